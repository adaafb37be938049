// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_S3_S3_XML_H_
#define TFSERVING_REMOTE_STORE_S3_S3_XML_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// The parts of S3's <Error> that may be shown; the others echo keys and tokens.
struct S3ErrorBody {
  std::string code;
  std::string message;
  std::string region;
  std::string request_id;
};

/// Empty fields for anything that is no <Error>.
S3ErrorBody ParseS3Error(absl::string_view xml);

/// An ETag as ObjectInfo::tag holds it: without quotes, so that listings and headers agree.
std::string TagOfETag(absl::string_view etag);

/// One answer to ListObjectsV2.
struct S3ListPage {
  Listing listing;
  /// Empty on the last page.
  std::string continuation_token;
};

/// INVALID_ARGUMENT when it is no ListBucketResult, or one with an object without key, size or
/// ETag.
absl::StatusOr<S3ListPage> ParseS3ListPage(absl::string_view xml);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_S3_S3_XML_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_GCS_GCS_JSON_H_
#define TFSERVING_REMOTE_STORE_GCS_GCS_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tfserving_remote/store/object_store.h"
#include "tfserving_remote/store/paged_listing.h"

namespace tfserving_remote {

/// The parts of GCS's error document that may be shown.
struct GcsErrorBody {
  /// errors[0].reason, for example "rateLimitExceeded".
  std::string reason;
  std::string message;
};

/// Empty fields for anything else, such as the plain text that media requests answer.
GcsErrorBody ParseGcsError(absl::string_view json);

/// One object's metadata.
struct GcsObject {
  ObjectInfo info;
  /// "gzip" when the stored bytes are compressed; GCS then decompresses them unless told not to.
  std::string content_encoding;
};

/// INVALID_ARGUMENT when name, size or generation is missing.
absl::StatusOr<GcsObject> ParseGcsObject(absl::string_view json);

/// One answer to objects.list.
absl::StatusOr<ListPage> ParseGcsListPage(absl::string_view json);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_GCS_GCS_JSON_H_

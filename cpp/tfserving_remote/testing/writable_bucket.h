// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_TESTING_WRITABLE_BUCKET_H_
#define TFSERVING_REMOTE_TESTING_WRITABLE_BUCKET_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tfserving_remote/net/http_client.h"
#include "tfserving_remote/store/gcs/gcs_options.h"
#include "tfserving_remote/store/object_store.h"
#include "tfserving_remote/store/s3/s3_options.h"

namespace tfserving_remote {

/// A bucket in a real server that speaks a store's protocol: read through our store, written by the
/// few requests that tests need.
///
/// Units:    bytes.
/// Errors:   as ObjectStore.
/// Threads:  safe to call from any thread.
/// Lifetime: outlives its calls.
class WritableBucket {
 public:
  virtual ~WritableBucket() = default;
  virtual absl::Status Create() = 0;
  virtual absl::Status Put(absl::string_view key, const std::string& bytes) = 0;
  virtual absl::Status Delete(absl::string_view key) = 0;
  virtual ObjectStore& store() = 0;
};

std::unique_ptr<WritableBucket> S3Bucket(S3Options options, std::string bucket,
                                         std::shared_ptr<HttpClient> http);

/// Writes without credentials: for emulators.
std::unique_ptr<WritableBucket> GcsBucket(GcsOptions options, std::string bucket,
                                          std::shared_ptr<HttpClient> http);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_TESTING_WRITABLE_BUCKET_H_

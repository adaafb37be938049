// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_S3_S3_STORE_H_
#define TFSERVING_REMOTE_STORE_S3_S3_STORE_H_

#include <memory>
#include <string>

#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/net/http_client.h"
#include "tfserving_remote/store/credentials/cached_credentials.h"
#include "tfserving_remote/store/credentials/credentials.h"
#include "tfserving_remote/store/object_store.h"
#include "tfserving_remote/store/s3/s3_caller.h"
#include "tfserving_remote/store/s3/s3_options.h"

namespace tfserving_remote {

/// One bucket of Amazon S3 or of a store that speaks its protocol. Tags are ETags without quotes;
/// every range is asked for with If-Match.
///
/// Units:    bytes.
/// Errors:   as ObjectStore. Nothing is retried after a pause: put a RetryingStore around it.
/// Threads:  safe to call from any thread.
/// Lifetime: outlives its calls; `clock` and `log` outlive it.
class S3Store final : public ObjectStore {
 public:
  S3Store(S3Options options, std::string bucket, std::shared_ptr<HttpClient> http,
          std::shared_ptr<CredentialsProvider> credentials, Clock& clock, LogSink& log);

  absl::StatusOr<Listing> List(absl::string_view prefix, ListDepth depth,
                               const StoreCallOptions& options) override;
  absl::StatusOr<ObjectInfo> Head(absl::string_view key, const StoreCallOptions& options) override;
  absl::Status Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                    absl::Span<char> into, const StoreCallOptions& options) override;
  absl::StatusOr<Content> ReadAll(absl::string_view key, uint64_t max_bytes,
                                  const StoreCallOptions& options) override;
  std::string Url(absl::string_view key) const override { return caller_.Url(key); }

 private:
  absl::Status Error(absl::string_view verb, absl::string_view key, const absl::Status& what) const;

  const uint64_t max_listed_objects_;
  S3Caller caller_;
};

/// The provider that the options ask for: the keys of the environment, no credentials, or `fetch`;
/// a null `fetch` is the credentials helper in a process of its own.
std::shared_ptr<CredentialsProvider> S3CredentialsProvider(const S3Options& options,
                                                           CredentialsFetcher fetch, Clock& clock,
                                                           LogSink& log);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_S3_S3_STORE_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_GCS_GCS_STORE_H_
#define TFSERVING_REMOTE_STORE_GCS_GCS_STORE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/net/http_client.h"
#include "tfserving_remote/store/credentials/cached_credentials.h"
#include "tfserving_remote/store/credentials/credentials.h"
#include "tfserving_remote/store/gcs/gcs_json.h"
#include "tfserving_remote/store/gcs/gcs_options.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// One bucket of Google Cloud Storage, by its JSON API. Tags are generations; every range is asked
/// for with ifGenerationMatch.
///
/// Objects that were stored with `Content-Encoding: gzip` are read as they are stored, since sizes,
/// ranges and digests are those of the stored bytes; GCS is then told not to decompress them.
///
/// Units:    bytes.
/// Errors:   as ObjectStore. Nothing is retried after a pause: put a RetryingStore around it.
/// Threads:  safe to call from any thread.
/// Lifetime: outlives its calls; `clock` outlives it.
class GcsStore final : public ObjectStore {
 public:
  GcsStore(GcsOptions options, std::string bucket, std::shared_ptr<HttpClient> http,
           std::shared_ptr<CredentialsProvider> credentials, Clock& clock);

  absl::StatusOr<Listing> List(absl::string_view prefix, ListDepth depth,
                               const StoreCallOptions& options) override;
  absl::StatusOr<ObjectInfo> Head(absl::string_view key, const StoreCallOptions& options) override;
  absl::Status Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                    absl::Span<char> into, const StoreCallOptions& options) override;
  absl::StatusOr<Content> ReadAll(absl::string_view key, uint64_t max_bytes,
                                  const StoreCallOptions& options) override;
  std::string Url(absl::string_view key) const override;

 private:
  // One request to the JSON API, before the token is added.
  struct Call {
    std::string verb;
    std::string path;
    // Of the object or prefix, for messages.
    std::string name;
    std::vector<std::pair<std::string, std::string>> query;
    std::vector<HttpHeader> headers;
    absl::Span<char> body_into;
    uint64_t max_body_bytes = 1 << 20;
  };

  absl::StatusOr<HttpResponse> Send(const Call& call, const StoreCallOptions& options);
  absl::StatusOr<StoreRequest> Prepare(const Call& call, const Credentials& credentials) const;
  absl::Status Describe(const Call& call, const HttpResponse& response,
                        const Credentials& credentials) const;
  absl::StatusOr<GcsObject> Metadata(absl::string_view key, const StoreCallOptions& options);
  Call MediaCall(absl::string_view key, bool stored_gzip) const;
  absl::Status ReadOnce(const Call& call, absl::string_view tag, uint64_t offset,
                        const StoreCallOptions& options);
  absl::Status Error(absl::string_view verb, absl::string_view key, const absl::Status& what) const;

  const GcsOptions options_;
  const std::string bucket_;
  const std::shared_ptr<HttpClient> http_;
  const std::shared_ptr<CredentialsProvider> credentials_;
  Clock& clock_;
};

/// The provider that the options ask for: no credentials, or `fetch`; a null `fetch` is the
/// credentials helper in a process of its own.
std::shared_ptr<CredentialsProvider> GcsCredentialsProvider(const GcsOptions& options,
                                                            CredentialsFetcher fetch, Clock& clock,
                                                            LogSink& log);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_GCS_GCS_STORE_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_S3_S3_CALLER_H_
#define TFSERVING_REMOTE_STORE_S3_S3_CALLER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/net/http_client.h"
#include "tfserving_remote/store/credentials/credentials.h"
#include "tfserving_remote/store/http_exchange.h"
#include "tfserving_remote/store/object_store.h"
#include "tfserving_remote/store/s3/s3_options.h"

namespace tfserving_remote {

/// One request to a bucket, before it is signed.
struct S3Call {
  /// What messages call it: "GET", "LIST".
  std::string verb = "GET";
  std::string method = "GET";
  /// Empty: the bucket itself.
  std::string key;
  /// What messages name instead of the key: the prefix of a listing.
  std::string prefix;
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<HttpHeader> headers;
  std::string body;
  absl::Span<char> body_into;
  uint64_t max_body_bytes = 1 << 20;
};

/// Signs requests to one bucket and sends them, and does what heals at once: asks for new
/// credentials, goes to the bucket's own region, signs with the store's time. Each of these once
/// per call; whatever needs a pause is left to RetryingStore. Never follows a redirect to where a
/// server points: only the name of a region is taken from it.
///
/// Units:    bytes.
/// Errors:   as ObjectStore; any 2xx answer is OK.
/// Threads:  safe to call from any thread.
/// Lifetime: outlives its calls.
class S3Caller {
 public:
  S3Caller(S3Options options, std::string bucket, std::shared_ptr<HttpClient> http,
           std::shared_ptr<CredentialsProvider> credentials, Clock& clock, LogSink& log);

  absl::StatusOr<HttpResponse> Call(const S3Call& call, const StoreCallOptions& options);

  /// "s3://bucket/key".
  std::string Url(absl::string_view key) const;

 private:
  // What a request is signed with, besides the credentials.
  struct Session {
    std::string region;
    absl::Duration clock_correction;
  };
  // What was tried already in this call.
  struct Tried {
    bool credentials = false;
    bool region = false;
    bool clock = false;
  };
  struct Failure;

  Session CurrentSession(const Credentials& credentials) const;
  absl::StatusOr<StoreRequest> Sign(const S3Call& call, const Session& session,
                                    const Credentials& credentials);
  Failure Understand(const HttpResponse& response, const Session& session);
  bool Heal(const Failure& failure, const std::shared_ptr<const Credentials>& credentials,
            const Session& session, Tried& tried);
  absl::Status Describe(const S3Call& call, const Failure& failure,
                        const Credentials& credentials) const;

  // Constant after construction.
  const S3Options options_;
  const std::string bucket_;
  const std::shared_ptr<HttpClient> http_;
  const std::shared_ptr<CredentialsProvider> credentials_;
  Clock& clock_;
  LogSink& log_;

  // Guarded by mu_.
  mutable absl::Mutex mu_;
  // Learnt from redirects; empty until then.
  std::string bucket_region_ ABSL_GUARDED_BY(mu_);
  absl::Duration clock_correction_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_S3_S3_CALLER_H_

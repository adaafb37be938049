// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_CREDENTIALS_CACHED_CREDENTIALS_H_
#define TFSERVING_REMOTE_STORE_CREDENTIALS_CACHED_CREDENTIALS_H_

#include <functional>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tfserving_remote/base/cancellation.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/store/credentials/credentials.h"

namespace tfserving_remote {

/// Gets credentials from wherever they come from; may take seconds. Ends early when the
/// cancellation fires. Called from one thread at a time.
using CredentialsFetcher = std::function<absl::StatusOr<Credentials>(Cancellation&)>;

struct CachedCredentialsOptions {
  /// Before the expiry a background refresh starts this early.
  absl::Duration refresh_before_expiry = absl::Minutes(5);
  /// Within this time of the expiry credentials are not handed out any more: a request that starts
  /// now must still be valid when it arrives.
  absl::Duration unusable_before_expiry = absl::Seconds(15);
  /// A failure is answered again for this long, so that a missing credential neither costs a fetch
  /// per request nor stays when it appears.
  absl::Duration failure_lifetime = absl::Seconds(10);
  /// A refusal by the store (Invalidate) causes a fetch no more often than this, or a denied
  /// permission would cause one per request.
  absl::Duration min_time_between_forced_refreshes = absl::Seconds(30);
};

/// Keeps what a fetcher gave until it must be renewed. One fetch runs at a time, on a thread of its
/// own; calls that have usable credentials never wait for it.
///
/// Units:    absl::Duration.
/// Errors:   those of the fetcher.
/// Threads:  safe to call from any thread.
/// Lifetime: the destructor cancels a running fetch and waits for it.
class CachedCredentials final : public CredentialsProvider {
 public:
  CachedCredentials(CredentialsFetcher fetch, CachedCredentialsOptions options, Clock& clock,
                    LogSink& log);
  ~CachedCredentials() override;

  absl::StatusOr<std::shared_ptr<const Credentials>> Get(const StoreCallOptions& options) override;
  bool Invalidate(const std::shared_ptr<const Credentials>& used) override;

 private:
  bool Usable(absl::Time now) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void StartFetch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Fetch();
  // Waits for the running fetch. Not OK when the caller must give up first.
  absl::Status WaitForFetch(const StoreCallOptions& options, uint64_t fetch);

  // Constant after construction.
  const CredentialsFetcher fetch_;
  const CachedCredentialsOptions options_;
  Clock& clock_;
  LogSink& log_;

  // Synchronises itself.
  Cancellation stop_;

  // Guarded by mu_.
  absl::Mutex mu_;
  std::shared_ptr<const Credentials> current_ ABSL_GUARDED_BY(mu_);
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  absl::Time failed_at_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  absl::Time forced_at_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  // Numbers of the last fetch that was started and of the last that ended.
  uint64_t started_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t ended_ ABSL_GUARDED_BY(mu_) = 0;
  std::thread thread_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_CREDENTIALS_CACHED_CREDENTIALS_H_

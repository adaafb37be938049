// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_RETRYING_STORE_H_
#define TFSERVING_REMOTE_STORE_RETRYING_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tfserving_remote/base/backoff.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

struct RetryOptions {
  /// The first one among them; 1 turns retrying off. Six with the default pauses last about three
  /// to six seconds: longer trouble is for those who poll and load to wait for.
  int attempts = 6;
  BackoffOptions backoff;
  /// A store that asks for a longer pause (Retry-After) gets this one.
  absl::Duration longest_asked_pause = absl::Seconds(60);
  /// Of the jitter.
  uint64_t seed = std::random_device()();

  absl::Status Validate() const;
};

/// Makes calls again that failed for a reason that may pass. What the failure itself says decides
/// (store_status.h); the last failure comes back with the number of attempts in its message.
///
/// Units:    absl::Duration.
/// Errors:   those of the store; CANCELLED; DEADLINE_EXCEEDED when the deadline passed before the
///           first attempt. When no attempt fits before the deadline the last failure comes back.
/// Threads:  safe to call from any thread.
/// Lifetime: outlives its calls; `clock` outlives it.
class RetryingStore final : public ObjectStore {
 public:
  /// INVALID_ARGUMENT for bad options.
  static absl::StatusOr<std::unique_ptr<RetryingStore>> Create(std::shared_ptr<ObjectStore> store,
                                                               RetryOptions options, Clock& clock);

  absl::StatusOr<Listing> List(absl::string_view prefix, ListDepth depth,
                               const StoreCallOptions& options) override;
  absl::StatusOr<ObjectInfo> Head(absl::string_view key, const StoreCallOptions& options) override;
  absl::Status Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                    absl::Span<char> into, const StoreCallOptions& options) override;
  absl::StatusOr<Content> ReadAll(absl::string_view key, uint64_t max_bytes,
                                  const StoreCallOptions& options) override;
  std::string Url(absl::string_view key) const override { return store_->Url(key); }

 private:
  RetryingStore(std::shared_ptr<ObjectStore> store, RetryOptions options, Clock& clock);

  absl::Status Run(absl::string_view verb, absl::string_view key, const StoreCallOptions& options,
                   const std::function<absl::Status()>& attempt);
  absl::Duration Pause(int failures, absl::Duration at_least);

  // Constant after construction.
  const std::shared_ptr<ObjectStore> store_;
  const RetryOptions options_;
  Clock& clock_;

  // Guarded by mu_.
  absl::Mutex mu_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_RETRYING_STORE_H_

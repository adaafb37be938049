// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/retrying_store.h"

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "tfserving_remote/store/store_status.h"

namespace tfserving_remote {
namespace {

bool Cancelled(const StoreCallOptions& options) {
  return options.cancellation != nullptr && options.cancellation->cancelled();
}

}  // namespace

absl::Status RetryOptions::Validate() const {
  if (attempts < 1) return absl::InvalidArgumentError("retry: attempts must be at least 1");
  return backoff.Validate();
}

absl::StatusOr<std::unique_ptr<RetryingStore>> RetryingStore::Create(
    std::shared_ptr<ObjectStore> store, RetryOptions options, Clock& clock) {
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  return absl::WrapUnique(new RetryingStore(std::move(store), options, clock));
}

RetryingStore::RetryingStore(std::shared_ptr<ObjectStore> store, RetryOptions options, Clock& clock)
    : store_(std::move(store)), options_(options), clock_(clock), random_(options.seed) {}

absl::Duration RetryingStore::Pause(int failures, absl::Duration at_least) {
  double random = 0;
  {
    absl::MutexLock lock(&mu_);
    random = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
  }
  return std::max(BackoffPause(options_.backoff, failures, random),
                  std::min(at_least, options_.longest_asked_pause));
}

absl::Status RetryingStore::Run(absl::string_view verb, absl::string_view key,
                                const StoreCallOptions& options,
                                const std::function<absl::Status()>& attempt) {
  if (clock_.Now() >= options.deadline) {
    return StoreError(absl::StatusCode::kDeadlineExceeded, verb, Url(key),
                      "the deadline had passed before the first attempt");
  }
  for (int number = 1;; ++number) {
    if (Cancelled(options)) {
      return StoreError(absl::StatusCode::kCancelled, verb, Url(key), "cancelled");
    }
    const absl::Status status = attempt();
    if (status.ok()) return status;
    const auto give_up = [&] {
      return number == 1 ? status : WithAttempt(status, number, options_.attempts);
    };
    const RetryAdvice advice = RetryAdviceOf(status);
    if (!advice.retry || number >= options_.attempts) return give_up();
    const absl::Time wake_up = clock_.Now() + Pause(number, advice.at_least);
    if (wake_up >= options.deadline) return give_up();
    // Cancelled while waiting: the next round says so.
    clock_.SleepUntil(wake_up, options.cancellation);
  }
}

absl::StatusOr<Listing> RetryingStore::List(absl::string_view prefix, ListDepth depth,
                                            const StoreCallOptions& options) {
  absl::StatusOr<Listing> listing;
  const absl::Status status = Run("LIST", prefix, options, [&] {
    listing = store_->List(prefix, depth, options);
    return listing.status();
  });
  if (!status.ok()) return status;
  return listing;
}

absl::StatusOr<ObjectInfo> RetryingStore::Head(absl::string_view key,
                                               const StoreCallOptions& options) {
  absl::StatusOr<ObjectInfo> info;
  const absl::Status status = Run("HEAD", key, options, [&] {
    info = store_->Head(key, options);
    return info.status();
  });
  if (!status.ok()) return status;
  return info;
}

absl::Status RetryingStore::Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                                 absl::Span<char> into, const StoreCallOptions& options) {
  return Run("GET", key, options, [&] { return store_->Read(key, tag, offset, into, options); });
}

absl::StatusOr<ObjectStore::Content> RetryingStore::ReadAll(absl::string_view key,
                                                            uint64_t max_bytes,
                                                            const StoreCallOptions& options) {
  absl::StatusOr<Content> content;
  const absl::Status status = Run("GET", key, options, [&] {
    content = store_->ReadAll(key, max_bytes, options);
    return content.status();
  });
  if (!status.ok()) return status;
  return content;
}

}  // namespace tfserving_remote

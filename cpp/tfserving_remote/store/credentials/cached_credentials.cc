// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/credentials/cached_credentials.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {

CachedCredentials::CachedCredentials(CredentialsFetcher fetch, CachedCredentialsOptions options,
                                     Clock& clock, LogSink& log)
    : fetch_(std::move(fetch)), options_(options), clock_(clock), log_(log) {}

CachedCredentials::~CachedCredentials() {
  stop_.Cancel();
  std::thread last;
  {
    absl::MutexLock lock(&mu_);
    last = std::move(thread_);
  }
  if (last.joinable()) last.join();
}

bool CachedCredentials::Usable(absl::Time now) const {
  return current_ != nullptr && now < current_->expiration - options_.unusable_before_expiry;
}

void CachedCredentials::StartFetch() {
  if (started_ != ended_) return;
  // The thread of the last fetch has set ended_ as its last act under the lock, so this is short.
  if (thread_.joinable()) thread_.join();
  ++started_;
  thread_ = std::thread([this] { Fetch(); });
}

void CachedCredentials::Fetch() {
  absl::StatusOr<Credentials> fetched = fetch_(stop_);
  const absl::Time now = clock_.Now();
  absl::Status lost_refresh;
  {
    absl::MutexLock lock(&mu_);
    if (fetched.ok()) {
      current_ = std::make_shared<const Credentials>(*std::move(fetched));
      failure_ = absl::OkStatus();
    } else {
      failure_ = fetched.status();
      failed_at_ = now;
      if (Usable(now)) lost_refresh = failure_;
    }
  }
  if (!lost_refresh.ok()) {
    log_.Log(Severity::kWarning, absl::StrCat("credentials could not be renewed and will expire: ",
                                              lost_refresh.message()));
  }
  absl::MutexLock lock(&mu_);
  ended_ = started_;
}

absl::Status CachedCredentials::WaitForFetch(const StoreCallOptions& options, uint64_t fetch) {
  // The fetch has a time limit of its own, so only a cancelled caller leaves early.
  Cancellation* const cancellation = options.cancellation;
  const auto poke = [this] { absl::MutexLock lock(&mu_); };
  const Cancellation::Registration wake(cancellation, poke);
  struct Awaited {
    CachedCredentials* self;
    uint64_t fetch;
    Cancellation* cancellation;
  } awaited{this, fetch, cancellation};
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(
      +[](Awaited* a) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return a->self->ended_ >= a->fetch ||
               (a->cancellation != nullptr && a->cancellation->cancelled());
      },
      &awaited));
  if (ended_ >= fetch) return absl::OkStatus();
  return absl::CancelledError("cancelled while credentials were fetched");
}

absl::StatusOr<std::shared_ptr<const Credentials>> CachedCredentials::Get(
    const StoreCallOptions& options) {
  const absl::Time now = clock_.Now();
  uint64_t awaited = 0;
  {
    absl::MutexLock lock(&mu_);
    const bool failed_lately = !failure_.ok() && now - failed_at_ < options_.failure_lifetime;
    if (Usable(now)) {
      const bool due = now >= current_->expiration - options_.refresh_before_expiry;
      if (due && !failed_lately) StartFetch();
      return current_;
    }
    if (failed_lately && started_ == ended_) return failure_;
    StartFetch();
    awaited = started_;
  }
  if (absl::Status status = WaitForFetch(options, awaited); !status.ok()) return status;
  absl::MutexLock lock(&mu_);
  if (Usable(clock_.Now())) return current_;
  if (!failure_.ok()) return failure_;
  return absl::UnauthenticatedError("the credentials that were just fetched are expired already");
}

bool CachedCredentials::Invalidate(const std::shared_ptr<const Credentials>& used) {
  const absl::Time now = clock_.Now();
  absl::MutexLock lock(&mu_);
  if (current_ != used) return true;  // somebody else's refusal has led to newer ones already
  if (now - forced_at_ < options_.min_time_between_forced_refreshes) return false;
  forced_at_ = now;
  current_ = nullptr;
  failure_ = absl::OkStatus();
  return true;
}

}  // namespace tfserving_remote

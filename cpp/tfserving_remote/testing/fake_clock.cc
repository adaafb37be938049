// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/testing/fake_clock.h"

#include <algorithm>

namespace tfserving_remote {

absl::Time FakeClock::Now() {
  absl::MutexLock lock(&mu_);
  return now_;
}

bool FakeClock::SleepUntil(absl::Time wake_up, Cancellation* cancellation) {
  Sleeper sleeper{wake_up};
  const Cancellation::Registration registration(cancellation, [this, &sleeper] {
    absl::MutexLock lock(&mu_);
    sleeper.cancelled = true;
  });
  absl::MutexLock lock(&mu_);
  const auto awake = [this, &sleeper]()
                         ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !Asleep(sleeper); };
  sleepers_.insert(&sleeper);
  mu_.Await(absl::Condition(&awake));
  sleepers_.erase(&sleeper);
  return !sleeper.cancelled;
}

void FakeClock::Advance(absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  now_ += duration;
}

absl::Duration FakeClock::AdvanceToNextSleeper() {
  absl::MutexLock lock(&mu_);
  const auto has_sleeper = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return CountSleepers() > 0; };
  mu_.Await(absl::Condition(&has_sleeper));
  absl::Time next = absl::InfiniteFuture();
  for (const Sleeper* sleeper : sleepers_) {
    if (Asleep(*sleeper)) next = std::min(next, sleeper->wake_up);
  }
  const absl::Duration step = next - now_;
  now_ = next;
  return step;
}

void FakeClock::WaitForSleepers(int count) {
  absl::MutexLock lock(&mu_);
  const auto enough = [this, count]()
                          ABSL_SHARED_LOCKS_REQUIRED(mu_) { return CountSleepers() >= count; };
  mu_.Await(absl::Condition(&enough));
}

int FakeClock::sleepers() {
  absl::MutexLock lock(&mu_);
  return CountSleepers();
}

int FakeClock::CountSleepers() const {
  return static_cast<int>(std::count_if(
      sleepers_.begin(), sleepers_.end(),
      [this](const Sleeper* sleeper) ABSL_SHARED_LOCKS_REQUIRED(mu_) { return Asleep(*sleeper); }));
}

bool FakeClock::Asleep(const Sleeper& sleeper) const {
  return !sleeper.cancelled && sleeper.wake_up > now_;
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_TESTING_FAKE_CLOCK_H_
#define TFSERVING_REMOTE_TESTING_FAKE_CLOCK_H_

#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tfserving_remote/base/cancellation.h"
#include "tfserving_remote/base/clock.h"

namespace tfserving_remote {

/// A clock that stands still until a test moves it.
///
/// The usual step of a test: WaitForSleepers(1), so that the code under test has done its work and
/// waits for time to pass; then Advance().
///
/// Units:    absl::Time and absl::Duration.
/// Errors:   none.
/// Threads:  safe to call from any thread.
/// Lifetime: nobody may sleep on it when it is destroyed.
class FakeClock final : public Clock {
 public:
  /// A round date, so that times in messages and files look like times.
  static absl::Time DefaultStart() { return absl::FromUnixSeconds(1'700'000'000); }

  explicit FakeClock(absl::Time start = DefaultStart()) : now_(start) {}
  FakeClock(const FakeClock&) = delete;
  FakeClock& operator=(const FakeClock&) = delete;

  absl::Time Now() override;
  bool SleepUntil(absl::Time wake_up, Cancellation* cancellation) override;

  /// Moves time on and wakes whoever waited for it. Those who are woken see the new time, not the
  /// time they asked for. When this returns they count no longer as sleepers, although they may
  /// not have run yet.
  void Advance(absl::Duration duration);

  /// Advances to the moment that the earliest sleeper waits for, and returns how far that was.
  /// Waits for a sleeper first when there is none.
  absl::Duration AdvanceToNextSleeper();

  /// Blocks until at least `count` calls of SleepUntil wait for time to pass.
  void WaitForSleepers(int count);

  /// How many calls of SleepUntil wait now.
  int sleepers();

 private:
  struct Sleeper {
    absl::Time wake_up;
    bool cancelled = false;
  };

  int CountSleepers() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  bool Asleep(const Sleeper& sleeper) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  absl::Mutex mu_;
  absl::Time now_ ABSL_GUARDED_BY(mu_);
  std::set<const Sleeper*> sleepers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_TESTING_FAKE_CLOCK_H_

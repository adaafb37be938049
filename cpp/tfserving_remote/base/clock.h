// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_BASE_CLOCK_H_
#define TFSERVING_REMOTE_BASE_CLOCK_H_

#include "absl/time/time.h"
#include "tfserving_remote/base/cancellation.h"

namespace tfserving_remote {

/// The only way to know or to wait for time; tests pass a FakeClock (testing/fake_clock.h).
///
/// Units:    absl::Time and absl::Duration.
/// Errors:   none.
/// Threads:  safe to call from any thread.
/// Lifetime: outlives everything it was given to.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual absl::Time Now() = 0;

  /// Waits until `wake_up` or until `cancellation` (may be null) fires. False when it was
  /// cancelled.
  virtual bool SleepUntil(absl::Time wake_up, Cancellation* cancellation) = 0;

  bool SleepFor(absl::Duration duration, Cancellation* cancellation) {
    return SleepUntil(Now() + duration, cancellation);
  }

  /// The clock on the wall. Never destroyed.
  static Clock& Real();
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_BASE_CLOCK_H_

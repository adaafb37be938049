// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/base/clock.h"

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"

namespace tfserving_remote {
namespace {

class RealClock final : public Clock {
 public:
  absl::Time Now() override { return absl::Now(); }

  bool SleepUntil(absl::Time wake_up, Cancellation* cancellation) override {
    absl::Notification cancelled;
    const Cancellation::Registration registration(cancellation,
                                                  [&cancelled] { cancelled.Notify(); });
    return !cancelled.WaitForNotificationWithDeadline(wake_up);
  }
};

}  // namespace

Clock& Clock::Real() {
  static RealClock* const clock = new RealClock;
  return *clock;
}

}  // namespace tfserving_remote

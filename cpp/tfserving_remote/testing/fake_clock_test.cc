// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/testing/fake_clock.h"

#include <gtest/gtest.h>

#include <thread>

namespace tfserving_remote {
namespace {

TEST(FakeClockTest, StandsStillUntilItIsAdvanced) {
  FakeClock clock;
  EXPECT_EQ(clock.Now(), FakeClock::DefaultStart());
  clock.Advance(absl::Seconds(3));
  EXPECT_EQ(clock.Now(), FakeClock::DefaultStart() + absl::Seconds(3));
}

TEST(FakeClockTest, ATimeThatHasComeIsNotWaitedFor) {
  FakeClock clock;
  EXPECT_TRUE(clock.SleepUntil(clock.Now(), nullptr));
  EXPECT_EQ(clock.sleepers(), 0);
}

TEST(FakeClockTest, AdvanceWakesOnlyThoseWhoseTimeHasCome) {
  FakeClock clock;
  std::thread early([&] { EXPECT_TRUE(clock.SleepFor(absl::Seconds(1), nullptr)); });
  std::thread late([&] { EXPECT_TRUE(clock.SleepFor(absl::Seconds(10), nullptr)); });
  clock.WaitForSleepers(2);
  clock.Advance(absl::Seconds(1));
  early.join();
  EXPECT_EQ(clock.sleepers(), 1);
  EXPECT_EQ(clock.AdvanceToNextSleeper(), absl::Seconds(9));
  late.join();
}

TEST(FakeClockTest, CancellationEndsASleepAndASleeperCancelledBeforeNeverWaits) {
  FakeClock clock;
  Cancellation cancellation;
  std::thread sleeper(
      [&] { EXPECT_FALSE(clock.SleepUntil(absl::InfiniteFuture(), &cancellation)); });
  clock.WaitForSleepers(1);
  cancellation.Cancel();
  EXPECT_EQ(clock.sleepers(), 0);
  sleeper.join();
  EXPECT_FALSE(clock.SleepFor(absl::Seconds(1), &cancellation));
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/base/clock.h"

#include <gtest/gtest.h>

#include <thread>

namespace tfserving_remote {
namespace {

TEST(ClockTest, SleepEndsByItself) {
  EXPECT_TRUE(Clock::Real().SleepFor(absl::Milliseconds(1), nullptr));
}

TEST(ClockTest, CancellationEndsASleep) {
  Cancellation cancellation;
  std::thread canceller([&] { cancellation.Cancel(); });
  EXPECT_FALSE(Clock::Real().SleepUntil(absl::InfiniteFuture(), &cancellation));
  canceller.join();
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/base/cancellation.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"

namespace tfserving_remote {
namespace {

TEST(CancellationTest, RunsCallbacksOnce) {
  Cancellation cancellation;
  int calls = 0;
  const Cancellation::Registration registration(&cancellation, [&calls] { ++calls; });
  cancellation.Cancel();
  cancellation.Cancel();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(cancellation.cancelled());
}

TEST(CancellationTest, LateRegistrationFiresAtOnce) {
  Cancellation cancellation;
  cancellation.Cancel();
  bool called = false;
  const Cancellation::Registration registration(&cancellation, [&called] { called = true; });
  EXPECT_TRUE(called);
}

TEST(CancellationTest, ForgetsADestroyedRegistration) {
  Cancellation cancellation;
  bool called = false;
  {
    const Cancellation::Registration registration(&cancellation, [&called] { called = true; });
  }
  cancellation.Cancel();
  EXPECT_FALSE(called);
}

TEST(CancellationTest, DestructorWaitsForARunningCallback) {
  Cancellation cancellation;
  absl::Notification entered, proceed;
  std::atomic<bool> finished{false};
  auto registration = std::make_unique<Cancellation::Registration>(&cancellation, [&] {
    entered.Notify();
    proceed.WaitForNotification();
    finished = true;
  });
  std::thread canceller([&] { cancellation.Cancel(); });
  entered.WaitForNotification();
  std::thread releaser([&] { proceed.Notify(); });
  registration.reset();
  EXPECT_TRUE(finished);
  releaser.join();
  canceller.join();
}

}  // namespace
}  // namespace tfserving_remote

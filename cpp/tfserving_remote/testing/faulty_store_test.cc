// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/testing/faulty_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tfserving_remote/store/memory/memory_store.h"
#include "tfserving_remote/testing/fake_clock.h"

namespace tfserving_remote {
namespace {

using Verb = FaultyStore::Verb;

std::shared_ptr<ObjectStore> OneObject() {
  auto memory = std::make_shared<MemoryStore>();
  memory->Put("a/1", "x");
  return memory;
}

TEST(FaultyStoreTest, FailsAsOftenAsItWasTold) {
  FaultyStore store(OneObject());
  store.Fail(Verb::kHead, "a/", absl::UnavailableError("down"), 2);
  EXPECT_TRUE(absl::IsUnavailable(store.Head("a/1", {}).status()));
  EXPECT_TRUE(absl::IsNotFound(store.Head("b", {}).status()));
  EXPECT_TRUE(absl::IsUnavailable(store.Head("a/1", {}).status()));
  EXPECT_TRUE(store.Head("a/1", {}).ok());
  EXPECT_THAT(store.Calls(Verb::kHead), testing::ElementsAre("a/1", "b", "a/1", "a/1"));
}

TEST(FaultyStoreTest, AHangingCallEndsWhenItIsCancelledOrHealed) {
  FaultyStore store(OneObject());
  store.Hang(Verb::kList, "a/");
  Cancellation cancellation;
  std::thread cancelled([&] {
    EXPECT_TRUE(
        absl::IsCancelled(store.List("a/", ListDepth::kOneLevel, {&cancellation}).status()));
  });
  std::thread healed([&] { EXPECT_TRUE(store.List("a/", ListDepth::kOneLevel, {}).ok()); });
  store.WaitForHanging(2);
  cancellation.Cancel();
  cancelled.join();
  store.Heal();
  healed.join();
}

TEST(FaultyStoreTest, CutsReadsShortAsABrokenConnectionDoes) {
  auto memory = std::make_shared<MemoryStore>();
  const std::string tag = memory->Put("a", "hello");
  FaultyStore store(memory);
  store.CutShort("a", 2, 1);
  std::string into = "?????";
  EXPECT_TRUE(absl::IsUnavailable(store.Read("a", tag, 0, absl::MakeSpan(into), {})));
  EXPECT_EQ(into, "he???");
  EXPECT_TRUE(store.Read("a", tag, 0, absl::MakeSpan(into), {}).ok());
  EXPECT_EQ(into, "hello");
  store.CutShort("a", 2, 1);
  EXPECT_TRUE(absl::IsUnavailable(store.ReadAll("a", 9, {}).status()));
}

TEST(FaultyStoreTest, FlipsABitAndSaysNothing) {
  auto memory = std::make_shared<MemoryStore>();
  const std::string tag = memory->Put("a", "hello");
  FaultyStore store(memory);
  store.FlipBit("a", 1);
  std::string into = "??";
  EXPECT_TRUE(store.Read("a", tag, 1, absl::MakeSpan(into), {}).ok());
  EXPECT_EQ(into, "dl");
  EXPECT_TRUE(store.Read("a", tag, 2, absl::MakeSpan(into), {}).ok());
  EXPECT_EQ(into, "ll");
  EXPECT_EQ(store.ReadAll("a", 9, {})->bytes, "hdllo");
  store.Heal();
  EXPECT_EQ(store.ReadAll("a", 9, {})->bytes, "hello");
}

TEST(FaultyStoreTest, DelaysByTheClock) {
  FakeClock clock;
  FaultyStore store(OneObject());
  store.Delay(Verb::kHead, "a/", absl::Seconds(3), clock);
  std::thread caller([&] { EXPECT_TRUE(store.Head("a/1", {}).ok()); });
  EXPECT_EQ(clock.AdvanceToNextSleeper(), absl::Seconds(3));
  caller.join();
}

}  // namespace
}  // namespace tfserving_remote

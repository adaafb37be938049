// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/testing/faulty_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tfserving_remote/store/memory/memory_store.h"

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

}  // namespace
}  // namespace tfserving_remote

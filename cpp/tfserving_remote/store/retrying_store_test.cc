// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/retrying_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tfserving_remote/store/memory/memory_store.h"
#include "tfserving_remote/store/store_status.h"
#include "tfserving_remote/testing/fake_clock.h"
#include "tfserving_remote/testing/faulty_store.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Verb = FaultyStore::Verb;

class RetryingStoreTest : public ::testing::Test {
 protected:
  RetryingStoreTest() {
    tag_ = memory_->Put("m/a", "hello");
    RetryOptions options;
    options.attempts = 4;
    options.backoff.jitter = 0;
    options.backoff.initial = absl::Seconds(1);
    options.backoff.multiplier = 2;
    store_ = *RetryingStore::Create(faulty_, options, clock_);
  }

  // Reads on another thread, so that this one can move the clock.
  void StartRead(StoreCallOptions options = {}) {
    reader_ = std::thread([this, options] {
      status_ = store_->Read("m/a", tag_, 0, absl::MakeSpan(into_), options);
    });
  }
  absl::Status Finish() {
    reader_.join();
    return status_;
  }

  FakeClock clock_;
  std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>("s3://b/");
  std::shared_ptr<FaultyStore> faulty_ = std::make_shared<FaultyStore>(memory_);
  std::unique_ptr<RetryingStore> store_;
  std::string tag_;
  std::string into_ = "?????";
  std::thread reader_;
  absl::Status status_;
};

TEST_F(RetryingStoreTest, TriesAgainUntilItWorksWithGrowingPauses) {
  faulty_->Fail(Verb::kRead, "m/a", absl::UnavailableError("reset"), 2);
  StartRead();
  EXPECT_EQ(clock_.AdvanceToNextSleeper(), absl::Seconds(1));
  EXPECT_EQ(clock_.AdvanceToNextSleeper(), absl::Seconds(2));
  EXPECT_TRUE(Finish().ok());
  EXPECT_EQ(into_, "hello");
}

TEST_F(RetryingStoreTest, GivesUpAfterTheLastAttemptAndSaysHowMany) {
  faulty_->Fail(Verb::kRead, "m/a",
                StoreError(absl::StatusCode::kUnavailable, "GET", "s3://b/m/a", "busy"));
  StartRead();
  for (int i = 0; i < 3; ++i) clock_.AdvanceToNextSleeper();
  EXPECT_EQ(Finish().message(), "GET s3://b/m/a: busy (attempt 4 of 4)");
}

TEST_F(RetryingStoreTest, WhatCannotHealIsTriedOnce) {
  for (const absl::Status& status :
       {absl::NotFoundError("x"), absl::PermissionDeniedError("x"), absl::DataLossError("x"),
        absl::FailedPreconditionError("x"), absl::UnauthenticatedError("x")}) {
    faulty_->Heal();
    faulty_->Fail(Verb::kRead, "m/a", status);
    const absl::Status got = store_->Read("m/a", tag_, 0, absl::MakeSpan(into_), {});
    EXPECT_EQ(got, status);
  }
  EXPECT_EQ(faulty_->Calls(Verb::kRead).size(), 5u);
}

TEST_F(RetryingStoreTest, TheVerdictOfTheStoreDecides) {
  StoreFailure cut_short;
  cut_short.code = absl::StatusCode::kDataLoss;
  cut_short.retry = RetryAdvice::AfterBackoff();
  faulty_->Fail(Verb::kRead, "m/a", ToStatus(cut_short), 1);
  StartRead();
  clock_.AdvanceToNextSleeper();
  EXPECT_TRUE(Finish().ok());
}

TEST_F(RetryingStoreTest, WaitsAsLongAsTheServerAsksButNotForHours) {
  StoreFailure slow_down;
  slow_down.code = absl::StatusCode::kUnavailable;
  slow_down.retry = RetryAdvice::AfterBackoff(absl::Seconds(7));
  faulty_->Fail(Verb::kRead, "m/a", ToStatus(slow_down), 1);
  slow_down.retry = RetryAdvice::AfterBackoff(absl::Hours(5));
  faulty_->Fail(Verb::kRead, "m/a", ToStatus(slow_down), 1);
  StartRead();
  EXPECT_EQ(clock_.AdvanceToNextSleeper(), absl::Seconds(7));
  EXPECT_EQ(clock_.AdvanceToNextSleeper(), absl::Seconds(60));
  EXPECT_TRUE(Finish().ok());
}

TEST_F(RetryingStoreTest, NoAttemptStartsAfterTheDeadline) {
  faulty_->Fail(Verb::kRead, "m/a", absl::UnavailableError("reset"));
  StoreCallOptions options;
  options.deadline = clock_.Now() + absl::Seconds(2);
  StartRead(options);
  clock_.AdvanceToNextSleeper();
  EXPECT_THAT(std::string(Finish().message()), HasSubstr("reset (attempt 2 of 4)"));
  clock_.Advance(absl::Seconds(2));
  EXPECT_TRUE(absl::IsDeadlineExceeded(store_->Head("m/a", options).status()));
}

TEST_F(RetryingStoreTest, ACancellationEndsThePause) {
  faulty_->Fail(Verb::kRead, "m/a", absl::UnavailableError("reset"));
  Cancellation cancellation;
  StoreCallOptions options;
  options.cancellation = &cancellation;
  StartRead(options);
  clock_.WaitForSleepers(1);
  cancellation.Cancel();
  EXPECT_TRUE(absl::IsCancelled(Finish()));
  EXPECT_EQ(faulty_->Calls(Verb::kRead).size(), 1u);
}

TEST_F(RetryingStoreTest, EveryVerbIsTriedAgain) {
  for (const Verb verb : {Verb::kList, Verb::kHead, Verb::kReadAll}) {
    faulty_->Fail(verb, "", absl::UnavailableError("reset"), 1);
  }
  std::thread caller([this] {
    EXPECT_TRUE(store_->List("m/", ListDepth::kRecursive, {}).ok());
    EXPECT_TRUE(store_->Head("m/a", {}).ok());
    EXPECT_EQ(store_->ReadAll("m/a", 10, {})->bytes, "hello");
  });
  for (int i = 0; i < 3; ++i) clock_.AdvanceToNextSleeper();
  caller.join();
}

TEST_F(RetryingStoreTest, RefusesOptionsWithoutAttempts) {
  RetryOptions options;
  options.attempts = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(RetryingStore::Create(memory_, options, clock_).status()));
}

}  // namespace
}  // namespace tfserving_remote

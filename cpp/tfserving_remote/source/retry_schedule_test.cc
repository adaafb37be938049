// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/retry_schedule.h"

#include <gtest/gtest.h>

namespace tfserving_remote {
namespace {

constexpr absl::Time kStart = absl::UnixEpoch();

absl::Time At(double seconds) { return kStart + absl::Seconds(seconds); }

LoadLedger::Failure Failure(bool can_heal, absl::Time at, int64_t failures = 1) {
  LoadLedger::Failure failure;
  failure.status = absl::UnavailableError("down");
  failure.failures = failures;
  failure.at = at;
  failure.can_heal = can_heal;
  failure.fingerprint = "as it was";
  return failure;
}

RetrySchedule Schedule() {
  return RetrySchedule(LoadRetryOptions(), [] { return 0.0; });
}

TEST(RetryScheduleTest, AVersionThatNeverFailedIsDueAndNeedsNoWakeUp) {
  const RetrySchedule schedule = Schedule();
  EXPECT_TRUE(schedule.Due(1, kStart));
  EXPECT_FALSE(schedule.WantsFingerprint(1, kStart));
  EXPECT_EQ(schedule.NextDue(), absl::InfiniteFuture());
}

TEST(RetryScheduleTest, WhatCanHealComesBackAfterPausesThatGrowUpToAMinute) {
  RetrySchedule schedule = Schedule();
  absl::Time failed = kStart;
  int64_t failures = 0;
  for (const int pause : {1, 2, 4, 8, 16, 32, 60, 60}) {
    schedule.Observe(1, Failure(true, failed, ++failures));
    EXPECT_FALSE(schedule.Due(1, failed + absl::Seconds(pause) - absl::Milliseconds(1)));
    EXPECT_EQ(schedule.NextDue(), failed + absl::Seconds(pause));
    failed += absl::Seconds(pause);
    EXPECT_TRUE(schedule.Due(1, failed));
    schedule.Offered(1, failed);
  }
}

TEST(RetryScheduleTest, AnOfferThatCameToNothingIsMadeAgain) {
  RetrySchedule schedule = Schedule();
  schedule.Observe(1, Failure(true, kStart));
  schedule.Offered(1, At(1));
  schedule.Observe(1, Failure(true, kStart));
  EXPECT_FALSE(schedule.Due(1, At(2.9)));
  EXPECT_TRUE(schedule.Due(1, At(3)));
  schedule.Offered(1, At(3));
  EXPECT_EQ(schedule.NextDue(), At(7));
}

TEST(RetryScheduleTest, WrongContentIsTriedAgainOnlyWhenItsObjectsChange) {
  RetrySchedule schedule = Schedule();
  schedule.Observe(1, Failure(false, kStart));
  EXPECT_FALSE(schedule.WantsFingerprint(1, kStart));
  EXPECT_TRUE(schedule.WantsFingerprint(1, At(1)));
  schedule.ObserveFingerprint(1, "as it was", At(1));
  EXPECT_FALSE(schedule.Due(1, At(1)));
  EXPECT_FALSE(schedule.WantsFingerprint(1, At(2)));
  EXPECT_TRUE(schedule.WantsFingerprint(1, At(3)));
  schedule.ObserveFingerprint(1, "other", At(3));
  EXPECT_TRUE(schedule.Due(1, At(3)));
}

TEST(RetryScheduleTest, WrongContentThatStaysIsTriedAgainAfterTenSecondsUpToTenMinutes) {
  RetrySchedule schedule = Schedule();
  schedule.Observe(1, Failure(false, kStart));
  EXPECT_EQ(schedule.NextDue(), At(10));
  schedule.Observe(1, Failure(false, At(10), 20));
  EXPECT_EQ(schedule.NextDue(), At(610));
}

TEST(RetryScheduleTest, FingerprintsThatDisagreeAboutTheSameObjectsCostOneRetry) {
  RetrySchedule schedule = Schedule();
  schedule.Observe(1, Failure(false, kStart));
  schedule.ObserveFingerprint(1, "same objects, other text", At(1));
  EXPECT_TRUE(schedule.Due(1, At(1)));
  schedule.Offered(1, At(1));
  schedule.Observe(1, Failure(false, At(2), 2));
  schedule.ObserveFingerprint(1, "same objects, other text", At(4));
  EXPECT_FALSE(schedule.Due(1, At(4)));
}

TEST(RetryScheduleTest, AFailureWithoutAFingerprintIsNotCompared) {
  RetrySchedule schedule = Schedule();
  LoadLedger::Failure failure = Failure(false, kStart);
  failure.fingerprint = "";
  schedule.Observe(1, failure);
  EXPECT_FALSE(schedule.WantsFingerprint(1, At(100)));
}

TEST(RetryScheduleTest, AVersionThatLoadedIsForgotten) {
  RetrySchedule schedule = Schedule();
  schedule.Observe(1, Failure(true, kStart));
  schedule.Forget(1);
  EXPECT_TRUE(schedule.Due(1, kStart));
  EXPECT_EQ(schedule.NextDue(), absl::InfiniteFuture());
}

}  // namespace
}  // namespace tfserving_remote

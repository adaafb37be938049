// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/store_status.h"

#include <gtest/gtest.h>

namespace tfserving_remote {
namespace {

StoreFailure Busy() {
  StoreFailure failure;
  failure.code = absl::StatusCode::kUnavailable;
  failure.verb = "GET";
  failure.url = "s3://bucket/key";
  failure.what = "busy: HTTP 503";
  failure.advice = "wait";
  failure.request_id = "ABC";
  failure.retry = RetryAdvice::AfterBackoff(absl::Seconds(3));
  return failure;
}

TEST(StoreStatusTest, WritesVerbUrlWhatNotesAdvice) {
  const absl::Status status = ToStatus(Busy());
  EXPECT_EQ(status.message(), "GET s3://bucket/key: busy: HTTP 503 (request id ABC); wait");
  EXPECT_EQ(WithAttempt(status, 3, 8).message(),
            "GET s3://bucket/key: busy: HTTP 503 (attempt 3 of 8, request id ABC); wait");
}

TEST(StoreStatusTest, AttemptsStandInParenthesesOfTheirOwnWithoutRequestId) {
  StoreFailure failure = Busy();
  failure.request_id = "";
  const absl::Status once = WithAttempt(ToStatus(failure), 2, 6);
  EXPECT_EQ(once.message(), "GET s3://bucket/key: busy: HTTP 503 (attempt 2 of 6); wait");
  EXPECT_EQ(WithAttempt(once, 1, 3).message(),
            "GET s3://bucket/key: busy: HTTP 503 (attempt 1 of 3, attempt 2 of 6); wait");
}

TEST(StoreStatusTest, AdviceTravelsWithTheStatus) {
  const RetryAdvice advice = RetryAdviceOf(WithAttempt(ToStatus(Busy()), 1, 2));
  EXPECT_TRUE(advice.retry);
  EXPECT_EQ(advice.at_least, absl::Seconds(3));
}

TEST(StoreStatusTest, WithoutAdviceOnlyUnavailableIsWorthAnotherAttempt) {
  EXPECT_TRUE(RetryAdviceOf(absl::UnavailableError("x")).retry);
  EXPECT_FALSE(RetryAdviceOf(absl::DataLossError("x")).retry);
  EXPECT_EQ(WithAttempt(absl::DataLossError("x"), 2, 3).message(), "x (attempt 2 of 3)");
}

}  // namespace
}  // namespace tfserving_remote

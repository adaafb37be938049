// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/http_judgement.h"

#include <gtest/gtest.h>

namespace tfserving_remote {
namespace {

using absl::StatusCode;

struct Case {
  StoreKind store;
  int status;
  const char* error_code;
  StatusCode code;
  Remedy remedy;
};

constexpr StoreKind kS3 = StoreKind::kS3;
constexpr StoreKind kGcs = StoreKind::kGcs;

constexpr Case kCases[] = {
    {kS3, 404, "NoSuchBucket", StatusCode::kNotFound, Remedy::kNever},
    {kS3, 404, "NoSuchKey", StatusCode::kNotFound, Remedy::kNever},
    {kS3, 404, "", StatusCode::kNotFound, Remedy::kNever},
    {kS3, 403, "AccessDenied", StatusCode::kPermissionDenied, Remedy::kNever},
    {kS3, 403, "", StatusCode::kPermissionDenied, Remedy::kNever},
    {kS3, 403, "InvalidAccessKeyId", StatusCode::kUnauthenticated,
     Remedy::kAfterCredentialsRefresh},
    {kS3, 403, "SignatureDoesNotMatch", StatusCode::kUnauthenticated,
     Remedy::kAfterCredentialsRefresh},
    {kS3, 400, "ExpiredToken", StatusCode::kUnauthenticated, Remedy::kAfterCredentialsRefresh},
    {kS3, 400, "", StatusCode::kUnauthenticated, Remedy::kAfterCredentialsRefresh},
    {kS3, 400, "InvalidArgument", StatusCode::kInvalidArgument, Remedy::kNever},
    {kS3, 403, "RequestTimeTooSkewed", StatusCode::kUnauthenticated, Remedy::kAfterClockCorrection},
    {kS3, 400, "AuthorizationHeaderMalformed", StatusCode::kInvalidArgument,
     Remedy::kAtOtherRegion},
    {kS3, 301, "PermanentRedirect", StatusCode::kInvalidArgument, Remedy::kAtOtherRegion},
    {kS3, 307, "", StatusCode::kUnavailable, Remedy::kAtOtherRegion},
    {kS3, 302, "", StatusCode::kInvalidArgument, Remedy::kNever},
    {kS3, 503, "SlowDown", StatusCode::kUnavailable, Remedy::kAfterBackoff},
    {kS3, 500, "InternalError", StatusCode::kUnavailable, Remedy::kAfterBackoff},
    {kS3, 502, "", StatusCode::kUnavailable, Remedy::kAfterBackoff},
    {kS3, 501, "NotImplemented", StatusCode::kUnimplemented, Remedy::kNever},
    {kS3, 412, "", StatusCode::kFailedPrecondition, Remedy::kNever},
    {kS3, 416, "InvalidRange", StatusCode::kOutOfRange, Remedy::kNever},
    {kS3, 400, "KMS.DisabledException", StatusCode::kPermissionDenied, Remedy::kNever},
    {kS3, 400, "KMS.ThrottlingException", StatusCode::kUnavailable, Remedy::kAfterBackoff},
    {kS3, 403, "InvalidObjectState", StatusCode::kPermissionDenied, Remedy::kNever},
    {kS3, 200, "", StatusCode::kDataLoss, Remedy::kNever},
    {kGcs, 404, "notFound", StatusCode::kNotFound, Remedy::kNever},
    {kGcs, 401, "authError", StatusCode::kUnauthenticated, Remedy::kAfterCredentialsRefresh},
    {kGcs, 403, "forbidden", StatusCode::kPermissionDenied, Remedy::kNever},
    {kGcs, 403, "rateLimitExceeded", StatusCode::kUnavailable, Remedy::kAfterBackoff},
    {kGcs, 400, "userProjectMissing", StatusCode::kPermissionDenied, Remedy::kNever},
    {kGcs, 412, "conditionNotMet", StatusCode::kFailedPrecondition, Remedy::kNever},
    {kGcs, 429, "", StatusCode::kUnavailable, Remedy::kAfterBackoff},
    {kGcs, 503, "backendError", StatusCode::kUnavailable, Remedy::kAfterBackoff},
};

TEST(HttpJudgementTest, KnowsWhatEachFailureMeans) {
  for (const Case& c : kCases) {
    const Verdict verdict = JudgeHttp(c.store, c.status, c.error_code);
    EXPECT_EQ(verdict.code, c.code) << c.status << " " << c.error_code;
    EXPECT_EQ(verdict.remedy, c.remedy) << c.status << " " << c.error_code;
  }
}

TEST(HttpJudgementTest, EveryStatusHasAVerdictInWords) {
  for (int status = 100; status < 1000; ++status) {
    for (const StoreKind store : {kS3, kGcs}) {
      const Verdict verdict = JudgeHttp(store, status, "SomethingNew");
      EXPECT_FALSE(verdict.what.empty()) << status;
      EXPECT_NE(verdict.code, StatusCode::kOk) << status;
    }
  }
}

TEST(HttpJudgementTest, WhatAnybodyCanHealComesWithAdvice) {
  for (const char* code :
       {"NoSuchBucket", "AccessDenied", "InvalidAccessKeyId", "ExpiredToken",
        "SignatureDoesNotMatch", "RequestTimeTooSkewed", "KMS.DisabledException"}) {
    EXPECT_FALSE(JudgeHttp(kS3, 403, code).advice.empty()) << code;
  }
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/http_exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tfserving_remote/store/store_status.h"
#include "tfserving_remote/testing/fake_clock.h"
#include "tfserving_remote/testing/scripted_http_client.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;

HttpResponse Partial(const char* content_range, uint64_t bytes) {
  HttpResponse response;
  response.status = 206;
  response.bytes_into = bytes;
  if (content_range != nullptr) response.headers.push_back({"content-range", content_range});
  return response;
}

const ExpectedRange kTenFromFive{5, 10, "tag"};

TEST(RangeAnswerTest, ExactlyTheRangeIsRight) {
  EXPECT_TRUE(CheckRangeAnswer(kTenFromFive, Partial("bytes 5-14/100", 10), "tag").ok());
  EXPECT_TRUE(CheckRangeAnswer(kTenFromFive, Partial("bytes 5-14/*", 10), "tag").ok());
}

TEST(RangeAnswerTest, AnythingElseIsDataLoss) {
  for (const char* header :
       {"bytes 0-9/100", "bytes 5-13/100", "bytes 5-15/100", "bytes */100", "items 5-14/100",
        "bytes 5-14", "bytes 5-14/x", "bytes -5-14/100", "", static_cast<const char*>(nullptr)}) {
    const absl::Status status = CheckRangeAnswer(kTenFromFive, Partial(header, 10), "tag");
    EXPECT_TRUE(absl::IsDataLoss(status)) << header << " " << status;
  }
  EXPECT_TRUE(
      absl::IsDataLoss(CheckRangeAnswer(kTenFromFive, Partial("bytes 5-14/100", 9), "tag")));
}

TEST(RangeAnswerTest, AnEarlierEndIsOutOfRange) {
  EXPECT_TRUE(absl::IsOutOfRange(CheckRangeAnswer(kTenFromFive, Partial("bytes 5-7/8", 3), "tag")));
}

TEST(RangeAnswerTest, AnotherTagIsAReplacedObjectAndNoTagIsNoAnswer) {
  const HttpResponse response = Partial("bytes 5-14/100", 10);
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckRangeAnswer(kTenFromFive, response, "other")));
  EXPECT_TRUE(absl::IsDataLoss(CheckRangeAnswer(kTenFromFive, response, "")));
}

TEST(RangeAnswerTest, TheWholeObjectIsRightOnlyWhereItWasAskedFor) {
  HttpResponse whole;
  whole.status = 200;
  whole.bytes_into = 10;
  EXPECT_TRUE(CheckRangeAnswer({0, 10, "tag"}, whole, "tag").ok());
  EXPECT_TRUE(absl::IsDataLoss(CheckRangeAnswer(kTenFromFive, whole, "tag")));
}

TEST(RetryAfterTest, ReadsSecondsAndDates) {
  const absl::Time now = absl::FromUnixSeconds(1369353600);
  const auto after = [now](const char* value) {
    HttpResponse response;
    response.headers.push_back({"retry-after", value});
    return RetryAfter(response, now);
  };
  EXPECT_EQ(after("120"), absl::Seconds(120));
  EXPECT_EQ(after("Fri, 24 May 2013 00:00:30 GMT"), absl::Seconds(30));
  EXPECT_EQ(after("Thu, 23 May 2013 00:00:30 GMT"), absl::ZeroDuration());
  EXPECT_EQ(after("-5"), absl::ZeroDuration());
  EXPECT_EQ(after("soon"), absl::ZeroDuration());
  EXPECT_EQ(after("99999999999"), absl::Hours(24));
}

class ExchangeTest : public ::testing::Test {
 protected:
  absl::Status Send(const absl::Status& error, const StoreCallOptions& options = {}) {
    StoreRequest request;
    request.verb = "GET";
    request.url = "s3://b/k";
    request.http.origin = {true, "host", 443};
    request.http.target = "/k";
    http_.On("GET https://host/k", {0, {}, "", error});
    return Exchange(http_, clock_, HttpTimeouts(), request, options).status();
  }

  FakeClock clock_;
  ScriptedHttpClient http_;
};

TEST_F(ExchangeTest, NamesTheObjectInEveryFailure) {
  const absl::Status status = Send(absl::UnavailableError("connection reset"));
  EXPECT_EQ(status.message(), "GET s3://b/k: connection reset");
  EXPECT_TRUE(RetryAdviceOf(status).retry);
}

TEST_F(ExchangeTest, ABodyCutShortMayBeAskedForAgain) {
  const absl::Status status = Send(absl::DataLossError("short"));
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_TRUE(RetryAdviceOf(status).retry);
}

TEST_F(ExchangeTest, ASlowStoreIsUnavailableAndALateCallerIsNot) {
  EXPECT_TRUE(absl::IsUnavailable(Send(absl::DeadlineExceededError("time"))));
  StoreCallOptions late;
  late.deadline = clock_.Now();
  EXPECT_TRUE(absl::IsDeadlineExceeded(Send(absl::DeadlineExceededError("time"), late)));
}

TEST_F(ExchangeTest, EveryRequestHasADeadline) {
  EXPECT_FALSE(Send(absl::UnavailableError("x")).ok());
  EXPECT_LT(http_.asked()[0].deadline, clock_.Now() + absl::Minutes(2));
}

TEST(PrintableTest, KeepsOneShortLine) {
  EXPECT_EQ(Printable("a\r\n\x1b[31mb\t c"), "a [31mb c");
  EXPECT_EQ(Printable(std::string(1000, 'x')).size(), 300u);
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/s3/s3_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tfserving_remote/store/store_status.h"
#include "tfserving_remote/testing/fake_clock.h"
#include "tfserving_remote/testing/recording_log.h"
#include "tfserving_remote/testing/scripted_http_client.h"

namespace tfserving_remote {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kKey[] = "https://b.s3.us-east-1.amazonaws.com/m/a";
constexpr char kList[] =
    "GET https://b.s3.us-east-1.amazonaws.com/?delimiter=%2F&encoding-type=url&list-type=2&"
    "max-keys=1000&prefix=m%2F";

// Gives the next of its credentials after each Invalidate.
class RotatingCredentials final : public CredentialsProvider {
 public:
  absl::StatusOr<std::shared_ptr<const Credentials>> Get(const StoreCallOptions&) override {
    auto credentials = std::make_shared<Credentials>();
    credentials->access_key_id = absl::StrCat("AKID", invalidated_);
    credentials->secret_access_key = "verysecret";
    credentials->session_token = "tokentoken";
    return credentials;
  }
  bool Invalidate(const std::shared_ptr<const Credentials>&) override { return ++invalidated_ > 0; }

  int invalidated_ = 0;
};

class S3StoreTest : public ::testing::Test {
 protected:
  explicit S3StoreTest(S3Options options = {})
      : store_(std::move(options), "b", http_, credentials_, clock_, log_) {}

  absl::StatusOr<std::string> Read(size_t length, uint64_t offset = 5) {
    std::string bytes(length, '?');
    absl::Status status = store_.Read("m/a", "etag", offset, absl::MakeSpan(bytes), {});
    if (!status.ok()) return status;
    return bytes;
  }
  static ScriptedHttpClient::Answer Error(int status, const std::string& code) {
    return {status,
            {{"x-amz-request-id", "REQ1"}},
            absl::StrCat("<Error><Code>", code, "</Code><Message>Said tokentoken.</Message>",
                         "<AWSAccessKeyId>AKID0</AWSAccessKeyId></Error>"),
            {}};
  }
  static ScriptedHttpClient::Answer Part(const std::string& body) {
    return {206,
            {{"Content-Range", absl::StrCat("bytes 5-", 4 + body.size(), "/100")},
             {"ETag", "\"etag\""}},
            body,
            {}};
  }

  FakeClock clock_;
  RecordingLog log_;
  std::shared_ptr<ScriptedHttpClient> http_ = std::make_shared<ScriptedHttpClient>();
  std::shared_ptr<RotatingCredentials> credentials_ = std::make_shared<RotatingCredentials>();
  S3Store store_;
};

TEST_F(S3StoreTest, ReadsARangeOfExactlyTheListedObject) {
  http_->On(absl::StrCat("GET ", kKey), Part("hello"));
  EXPECT_EQ(*Read(5), "hello");
  const ScriptedHttpClient::Asked asked = http_->asked()[0];
  EXPECT_EQ(asked.Header("Range"), "bytes=5-9");
  EXPECT_EQ(asked.Header("If-Match"), "\"etag\"");
  EXPECT_EQ(asked.Header("x-amz-date"), "20231114T221320Z");
  EXPECT_EQ(asked.Header("x-amz-security-token"), "tokentoken");
  EXPECT_THAT(asked.Header("Authorization"),
              HasSubstr("SignedHeaders=host;if-match;range;x-amz-content-sha256;x-amz-date;"
                        "x-amz-security-token, Signature="));
}

TEST_F(S3StoreTest, AReplacedObjectIsNotRead) {
  http_->On(absl::StrCat("GET ", kKey), Error(412, "PreconditionFailed"));
  EXPECT_TRUE(absl::IsFailedPrecondition(Read(5).status()));
}

TEST_F(S3StoreTest, AnAnswerOfAnotherObjectIsNotTaken) {
  ScriptedHttpClient::Answer other = Part("hello");
  other.headers[1].value = "\"other\"";
  http_->On(absl::StrCat("GET ", kKey), other);
  EXPECT_TRUE(absl::IsFailedPrecondition(Read(5).status()));
}

TEST_F(S3StoreTest, AStoreThatIgnoresRangesIsTold) {
  http_->On(absl::StrCat("GET ", kKey), {200, {{"ETag", "\"etag\""}}, "whole", {}});
  const absl::Status status = Read(5).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Range"));
  EXPECT_EQ(*Read(5, 0), "whole");
}

TEST_F(S3StoreTest, TooFewBytesAreTheEndOfTheObjectWhenItIsShorter) {
  http_->On(absl::StrCat("GET ", kKey), Part("hel"));
  http_->On(absl::StrCat("HEAD ", kKey),
            {200, {{"ETag", "\"etag\""}, {"Content-Length", "8"}}, "", {}});
  EXPECT_TRUE(absl::IsOutOfRange(Read(5).status()));
}

TEST_F(S3StoreTest, TooFewBytesOfALongEnoughObjectMayBeReadAgain) {
  http_->On(absl::StrCat("GET ", kKey), Part("hel"));
  http_->On(absl::StrCat("HEAD ", kKey),
            {200, {{"ETag", "\"etag\""}, {"Content-Length", "80"}}, "", {}});
  const absl::Status status = Read(5).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_TRUE(RetryAdviceOf(status).retry);
}

TEST_F(S3StoreTest, MessagesSayAllThatHelpsAndNoSecret) {
  http_->On(absl::StrCat("GET ", kKey), Error(403, "AccessDenied"));
  const absl::Status status = Read(5).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("GET s3://b/m/a: access denied: HTTP 403 AccessDenied, Said "),
                    HasSubstr("(request id REQ1); allow these credentials s3:GetObject"),
                    Not(HasSubstr("tokentoken")), Not(HasSubstr("AKID")), Not(HasSubstr("?"))));
}

TEST_F(S3StoreTest, ASecretIsHiddenAlsoWhereALongMessageIsCut) {
  ScriptedHttpClient::Answer answer = Error(403, "AccessDenied");
  absl::StrReplaceAll({{"Said", std::string(292, 'x')}}, &answer.body);
  http_->On(absl::StrCat("GET ", kKey), answer);
  EXPECT_THAT(std::string(Read(5).status().message()),
              AllOf(HasSubstr("xxx"), Not(HasSubstr("token"))));
}

TEST_F(S3StoreTest, AnExpiredTokenIsRenewedOnceAndTheCallGoesOn) {
  http_->On(absl::StrCat("GET ", kKey), Error(400, "ExpiredToken"));
  http_->On(absl::StrCat("GET ", kKey), Part("hello"));
  EXPECT_EQ(*Read(5), "hello");
  EXPECT_EQ(credentials_->invalidated_, 1);
  EXPECT_THAT(http_->asked()[1].Header("Authorization"), HasSubstr("AKID1"));
}

TEST_F(S3StoreTest, CredentialsThatStayRefusedAreNotRenewedForEver) {
  http_->On(absl::StrCat("GET ", kKey), Error(403, "InvalidAccessKeyId"));
  const absl::Status status = Read(5).status();
  EXPECT_TRUE(absl::IsUnauthenticated(status));
  EXPECT_FALSE(RetryAdviceOf(status).retry);
  EXPECT_EQ(http_->asked().size(), 2u);
}

TEST_F(S3StoreTest, GoesToTheBucketsOwnRegionOnceAndRemembersIt) {
  ScriptedHttpClient::Answer redirect = Error(301, "PermanentRedirect");
  redirect.headers.push_back({"x-amz-bucket-region", "eu-west-1"});
  redirect.headers.push_back({"Location", "http://169.254.169.254/latest/"});
  http_->On(absl::StrCat("GET ", kKey), redirect);
  http_->On("GET https://b.s3.eu-west-1.amazonaws.com/m/a", Part("hello"));
  EXPECT_EQ(*Read(5), "hello");
  EXPECT_EQ(*Read(5), "hello");
  EXPECT_EQ(http_->asked().size(), 3u);
  EXPECT_THAT(http_->asked()[2].Header("Authorization"), HasSubstr("/eu-west-1/s3/"));
  EXPECT_EQ(log_.Count("lies in region eu-west-1"), 1);
}

TEST_F(S3StoreTest, ARedirectLoopEnds) {
  ScriptedHttpClient::Answer away = Error(301, "PermanentRedirect");
  away.headers.push_back({"x-amz-bucket-region", "eu-west-1"});
  ScriptedHttpClient::Answer back = Error(301, "PermanentRedirect");
  back.headers.push_back({"x-amz-bucket-region", "us-east-1"});
  http_->On(absl::StrCat("GET ", kKey), away);
  http_->On("GET https://b.s3.eu-west-1.amazonaws.com/m/a", back);
  EXPECT_TRUE(absl::IsInvalidArgument(Read(5).status()));
  EXPECT_EQ(http_->asked().size(), 2u);
}

TEST_F(S3StoreTest, NoHostNameIsTakenFromARedirect) {
  ScriptedHttpClient::Answer redirect = Error(301, "PermanentRedirect");
  redirect.headers.push_back({"x-amz-bucket-region", "evil.example/"});
  http_->On(absl::StrCat("GET ", kKey), redirect);
  EXPECT_TRUE(absl::IsInvalidArgument(Read(5).status()));
  EXPECT_EQ(http_->asked().size(), 1u);
}

TEST_F(S3StoreTest, SignsWithTheStoresTimeWhenThisClockIsWrong) {
  ScriptedHttpClient::Answer skewed = Error(403, "RequestTimeTooSkewed");
  skewed.headers.push_back({"Date", "Tue, 14 Nov 2023 23:13:20 GMT"});
  http_->On(absl::StrCat("GET ", kKey), skewed);
  http_->On(absl::StrCat("GET ", kKey), Part("hello"));
  EXPECT_EQ(*Read(5), "hello");
  EXPECT_EQ(http_->asked()[1].Header("x-amz-date"), "20231114T231320Z");
  EXPECT_EQ(log_.Count("clock is 1h ahead"), 1);
}

TEST_F(S3StoreTest, HeadTellsAWrongClockByTheDateAlone) {
  http_->On(absl::StrCat("HEAD ", kKey),
            {403, {{"Date", "Tue, 14 Nov 2023 21:13:20 GMT"}}, "", {}});
  http_->On(absl::StrCat("HEAD ", kKey),
            {200, {{"ETag", "\"e\""}, {"Content-Length", "8"}}, "", {}});
  EXPECT_EQ(store_.Head("m/a", {})->size, 8u);
  EXPECT_EQ(http_->asked()[1].Header("x-amz-date"), "20231114T211320Z");
}

TEST_F(S3StoreTest, SlowDownIsLeftToTheRetriesWithThePauseThatWasAskedFor) {
  ScriptedHttpClient::Answer busy = Error(503, "SlowDown");
  busy.headers.push_back({"Retry-After", "7"});
  http_->On(absl::StrCat("GET ", kKey), busy);
  const absl::Status status = Read(5).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(RetryAdviceOf(status).at_least, absl::Seconds(7));
  EXPECT_EQ(http_->asked().size(), 1u);
}

TEST_F(S3StoreTest, ListsAllPages) {
  const auto page = [](const char* inner) {
    return absl::StrCat("<ListBucketResult>", inner, "</ListBucketResult>");
  };
  http_->On(kList, {200,
                    {},
                    page("<Contents><Key>m/z</Key><ETag>\"1\"</ETag><Size>1</Size></Contents>"
                         "<IsTruncated>true</IsTruncated>"
                         "<NextContinuationToken>t/+=</NextContinuationToken>"),
                    {}});
  http_->On(absl::StrReplaceAll(kList, {{"?", "?continuation-token=t%2F%2B%3D&"}}),
            {200, {}, page("<CommonPrefixes><Prefix>m/1/</Prefix></CommonPrefixes>"), {}});
  const absl::StatusOr<Listing> listing = store_.List("m/", ListDepth::kOneLevel, {});
  ASSERT_TRUE(listing.ok()) << listing.status();
  EXPECT_THAT(listing->objects, ElementsAre(ObjectInfo{"m/z", 1, "1"}));
  EXPECT_THAT(listing->prefixes, ElementsAre("m/1/"));
}

TEST_F(S3StoreTest, AMissingBucketIsToldFromAnEmptyOne) {
  http_->On(kList, Error(404, "NoSuchBucket"));
  const absl::Status status = store_.List("m/", ListDepth::kOneLevel, {}).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("LIST s3://b/m/: the bucket does not exist"),
                    HasSubstr("AWS_ENDPOINT_URL_S3")));
}

TEST_F(S3StoreTest, AnErrorLongerThanASmallObjectIsStillUnderstood) {
  http_->On(absl::StrCat("GET ", kKey), Error(404, "NoSuchKey"));
  EXPECT_TRUE(absl::IsNotFound(store_.ReadAll("m/a", 1, {}).status()));
}

class AnonymousS3StoreTest : public S3StoreTest {
 protected:
  static S3Options RequesterPays() {
    S3Options options;
    options.requester_pays = true;
    return options;
  }
  AnonymousS3StoreTest() : S3StoreTest(RequesterPays()) {}
};

TEST_F(AnonymousS3StoreTest, AsksWithoutSignature) {
  S3Store anonymous({}, "b", http_, StaticCredentials({}), clock_, log_);
  http_->On(absl::StrCat("HEAD ", kKey),
            {200, {{"ETag", "\"e\""}, {"Content-Length", "8"}}, "", {}});
  EXPECT_TRUE(anonymous.Head("m/a", {}).ok());
  EXPECT_TRUE(http_->asked()[0].headers.empty());
}

TEST_F(AnonymousS3StoreTest, TheRequesterPaysOnWishAndUnderSignature) {
  http_->On(absl::StrCat("HEAD ", kKey),
            {200, {{"ETag", "\"e\""}, {"Content-Length", "8"}}, "", {}});
  EXPECT_TRUE(store_.Head("m/a", {}).ok());
  EXPECT_EQ(http_->asked()[0].Header("x-amz-request-payer"), "requester");
  EXPECT_THAT(http_->asked()[0].Header("Authorization"), HasSubstr("x-amz-request-payer"));
}

}  // namespace
}  // namespace tfserving_remote

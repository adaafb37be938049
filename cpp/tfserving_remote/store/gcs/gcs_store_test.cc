// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/gcs/gcs_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/store/store_status.h"
#include "tfserving_remote/testing/fake_clock.h"
#include "tfserving_remote/testing/scripted_http_client.h"

namespace tfserving_remote {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Answer = ScriptedHttpClient::Answer;

constexpr char kMetadata[] =
    "GET https://storage.googleapis.com/storage/v1/b/b/o/m%2Fa%20b?"
    "fields=name%2Csize%2Cgeneration%2CcontentEncoding";
constexpr char kMedia[] =
    "GET https://storage.googleapis.com/download/storage/v1/b/b/o/m%2Fa%20b?alt=media";
constexpr char kList[] =
    "GET https://storage.googleapis.com/storage/v1/b/b/o?delimiter=%2F&"
    "fields=items%28name%2Csize%2Cgeneration%29%2Cprefixes%2CnextPageToken&maxResults=1000";

class GcsStoreTest : public ::testing::Test {
 protected:
  GcsStoreTest() {
    Credentials token;
    token.bearer_token = "secrettoken";
    store_ = std::make_unique<GcsStore>(GcsOptions(), "b", http_, StaticCredentials(token), clock_);
  }

  absl::StatusOr<std::string> Read(size_t length) {
    std::string bytes(length, '?');
    absl::Status status = store_->Read("m/a b", "77", 5, absl::MakeSpan(bytes), {});
    if (!status.ok()) return status;
    return bytes;
  }
  static std::string Range() { return absl::StrCat(kMedia, "&ifGenerationMatch=77"); }
  static Answer Part(const std::string& body, const char* generation = "77") {
    return {206,
            {{"Content-Range", absl::StrCat("bytes 5-", 4 + body.size(), "/100")},
             {"x-goog-generation", generation}},
            body,
            {}};
  }
  static Answer Error(int status, const char* reason) {
    return {status,
            {},
            absl::StrCat(R"({"error":{"code":)", status, R"(,"message":"Said secrettoken.",)",
                         R"("errors":[{"reason":")", reason, R"("}]}})"),
            {}};
  }
  static Answer Metadata(int size, const char* encoding = "") {
    return {200,
            {},
            absl::StrCat(R"({"name":"m/a b","size":")", size, R"(","generation":"77",)",
                         R"("contentEncoding":")", encoding, R"("})"),
            {}};
  }

  FakeClock clock_;
  std::shared_ptr<ScriptedHttpClient> http_ = std::make_shared<ScriptedHttpClient>();
  std::unique_ptr<GcsStore> store_;
};

TEST_F(GcsStoreTest, ReadsARangeOfExactlyTheListedGeneration) {
  http_->On(Range(), Part("hello"));
  EXPECT_EQ(*Read(5), "hello");
  EXPECT_EQ(http_->asked()[0].Header("Range"), "bytes=5-9");
  EXPECT_EQ(http_->asked()[0].Header("Authorization"), "Bearer secrettoken");
  EXPECT_EQ(http_->asked()[0].Header("Accept-Encoding"), "");
}

TEST_F(GcsStoreTest, AnotherGenerationIsNotTaken) {
  http_->On(Range(), Part("hello", "78"));
  EXPECT_TRUE(absl::IsFailedPrecondition(Read(5).status()));
  http_->On(Range(), Error(412, "conditionNotMet"));
  EXPECT_TRUE(absl::IsFailedPrecondition(Read(5).status()));
}

TEST_F(GcsStoreTest, HeadReadsTheMetadata) {
  http_->On(kMetadata, Metadata(12));
  EXPECT_EQ(*store_->Head("m/a b", {}), (ObjectInfo{"m/a b", 12, "77"}));
}

TEST_F(GcsStoreTest, AnObjectThatIsStoredCompressedIsReadAsItIsStored) {
  Answer whole = Part("decompressed and longer");
  whole.status = 200;
  http_->On(Range(), whole);
  Answer raw = Part("hello");
  raw.headers.push_back({"Content-Encoding", "gzip"});
  raw.headers.push_back({"x-goog-stored-content-encoding", "gzip"});
  http_->On(Range(), raw);
  http_->On(kMetadata, Metadata(100, "gzip"));
  EXPECT_EQ(*Read(5), "hello");
  EXPECT_EQ(http_->asked()[2].Header("Accept-Encoding"), "gzip");
}

TEST_F(GcsStoreTest, AStoreThatDecompressesAllTheSameIsTold) {
  Answer decompressed = Part("hello");
  decompressed.headers.push_back({"x-goog-stored-content-encoding", "gzip"});
  http_->On(Range(), decompressed);
  http_->On(kMetadata, Metadata(100, "gzip"));
  const absl::Status status = Read(5).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Content-Encoding: gzip"));
}

TEST_F(GcsStoreTest, TooFewBytesAreTheEndOfTheObjectWhenItIsShorter) {
  http_->On(Range(), Part("hel"));
  http_->On(kMetadata, Metadata(8));
  EXPECT_TRUE(absl::IsOutOfRange(Read(5).status()));
}

TEST_F(GcsStoreTest, ReadAllTakesTagAndBytesFromOneAnswer) {
  http_->On(kMedia, {200, {{"x-goog-generation", "77"}}, "hello", {}});
  const absl::StatusOr<ObjectStore::Content> content = store_->ReadAll("m/a b", 5, {});
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(content->info, (ObjectInfo{"m/a b", 5, "77"}));
  EXPECT_EQ(http_->asked().size(), 1u);
}

TEST_F(GcsStoreTest, ListsAllPages) {
  http_->On(absl::StrCat(kList, "&prefix=m%2F"),
            {200,
             {},
             R"({"items":[{"name":"m/z","size":"1","generation":"2"}],
                          "nextPageToken":"t="})",
             {}});
  http_->On(absl::StrCat(kList, "&pageToken=t%3D&prefix=m%2F"),
            {200, {}, R"({"prefixes":["m/1/"]})", {}});
  const absl::StatusOr<Listing> listing = store_->List("m/", ListDepth::kOneLevel, {});
  ASSERT_TRUE(listing.ok()) << listing.status();
  EXPECT_THAT(listing->objects, ElementsAre(ObjectInfo{"m/z", 1, "2"}));
  EXPECT_THAT(listing->prefixes, ElementsAre("m/1/"));
}

TEST_F(GcsStoreTest, APageThatIsNoListingIsDataLoss) {
  for (const char* body :
       {"", "[]x", "[]", R"({"items":[{"name":"m/z"}]})", R"({"prefixes":[1]})"}) {
    http_ = std::make_shared<ScriptedHttpClient>();
    http_->On(absl::StrCat(kList, "&prefix=m%2F"), {200, {}, body, {}});
    GcsStore store({}, "b", http_, StaticCredentials({}), clock_);
    EXPECT_TRUE(absl::IsDataLoss(store.List("m/", ListDepth::kOneLevel, {}).status())) << body;
  }
}

TEST_F(GcsStoreTest, MessagesSayAllThatHelpsAndNoSecret) {
  http_->On(kMetadata, Error(403, "forbidden"));
  EXPECT_THAT(std::string(store_->Head("m/a b", {}).status().message()),
              AllOf(HasSubstr("HEAD gs://b/m/a b: access denied: HTTP 403 forbidden, Said"),
                    HasSubstr("Storage Object Viewer"), Not(HasSubstr("secrettoken"))));
}

TEST_F(GcsStoreTest, ASecretIsHiddenAlsoWhereALongMessageIsCut) {
  Answer answer = Error(403, "forbidden");
  answer.body.replace(answer.body.find("Said"), 4, std::string(292, 'x'));
  http_->On(kMetadata, answer);
  EXPECT_THAT(std::string(store_->Head("m/a b", {}).status().message()),
              AllOf(HasSubstr("xxx"), Not(HasSubstr("secret"))));
}

TEST_F(GcsStoreTest, SlowDownIsLeftToTheRetriesWithThePauseThatWasAskedFor) {
  Answer busy = Error(429, "rateLimitExceeded");
  busy.headers.push_back({"Retry-After", "3"});
  http_->On(kMetadata, busy);
  EXPECT_EQ(RetryAdviceOf(store_->Head("m/a b", {}).status()).at_least, absl::Seconds(3));
}

TEST(GcsOptionsTest, AnEmulatorIsAskedWithoutCredentials) {
  for (const char* host : {"localhost:9023", "http://localhost:9023/"}) {
    const auto options =
        GcsOptions::FromEnvironment(FixedEnvironment({{"STORAGE_EMULATOR_HOST", host}}));
    ASSERT_TRUE(options.ok()) << options.status();
    EXPECT_EQ(options->endpoint, "http://localhost:9023");
    EXPECT_TRUE(options->anonymous);
  }
  EXPECT_FALSE(GcsOptions::FromEnvironment(FixedEnvironment({}))->anonymous);
  EXPECT_FALSE(
      GcsOptions::FromEnvironment(FixedEnvironment({{"STORAGE_EMULATOR_HOST", "x:y"}})).ok());
}

TEST(GcsOptionsTest, TheRequesterPaysOnWish) {
  FakeClock clock;
  auto http = std::make_shared<ScriptedHttpClient>();
  GcsOptions options;
  options.user_project = "p";
  GcsStore store(options, "b", http, StaticCredentials({}), clock);
  http->On(absl::StrCat(kMedia, "&userProject=p"), {200, {{"x-goog-generation", "1"}}, "", {}});
  EXPECT_TRUE(store.ReadAll("m/a b", 5, {}).ok());
}

}  // namespace
}  // namespace tfserving_remote

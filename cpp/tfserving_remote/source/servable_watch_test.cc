// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/servable_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/manifest/listing_fingerprint.h"
#include "tfserving_remote/store/memory/memory_store.h"
#include "tfserving_remote/testing/fake_clock.h"
#include "tfserving_remote/testing/faulty_store.h"
#include "tfserving_remote/testing/one_store.h"
#include "tfserving_remote/testing/recording_log.h"

namespace tfserving_remote {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using Verb = FaultyStore::Verb;
using Sent = std::optional<std::vector<std::string>>;

class ServableWatchTest : public testing::Test {
 protected:
  void SetUp() override { Watch(); }

  void Watch(ManifestMode mode = ManifestMode::kPreferred, PollOptions poll = {},
             const std::string& base = "s3://b/m") {
    watch_ = std::make_unique<ServableWatch>(
        "model", *StorageUrl::Parse(base), CompletenessRule{mode}, poll, LoadRetryOptions(),
        SourceEnv{opener_, clock_, log_, &ledger_, [] { return 0.0; }});
  }

  /// Polls, and moves time on to the next poll. Shows what was sent as "<number>=<path>" or
  /// "<number>!<error>".
  Sent Poll() {
    ServableWatch::Outcome outcome = watch_->Poll(nullptr);
    wait_ = outcome.wait;
    if (wait_ < absl::InfiniteDuration()) clock_.Advance(wait_);
    if (!outcome.aspired.has_value()) return std::nullopt;
    std::vector<std::string> sent;
    for (const auto& item : *outcome.aspired) {
      EXPECT_EQ(item.id().name, "model");
      sent.push_back(absl::StrCat(item.id().version,
                                  item.status().ok() ? "=" + item.DataOrDie()
                                                     : absl::StrCat("!", item.status().message())));
    }
    return sent;
  }

  void PutWithManifest(const std::string& version) {
    memory_->Put(absl::StrCat("m/", version, "/saved_model.pb"), "graph");
    memory_->Put(absl::StrCat("m/", version, ".manifest.json"), "{}");
  }

  void PutFolder(const std::string& version) {
    memory_->Put(absl::StrCat("m/", version, "/saved_model.pb"), "graph");
  }

  void FailLoad(int64_t version, const absl::Status& status, const std::string& fingerprint = "") {
    ledger_.RecordFailure("model", version, status, fingerprint, clock_.Now());
  }

  FakeClock clock_;
  RecordingLog log_;
  LoadLedger ledger_;
  std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>("s3://b/");
  std::shared_ptr<FaultyStore> store_ = std::make_shared<FaultyStore>(memory_);
  OneStore opener_{store_};
  std::unique_ptr<ServableWatch> watch_;
  absl::Duration wait_;
};

TEST_F(ServableWatchTest, SendsEveryCompleteVersionAscendingWithItsNameAsItWasFound) {
  PutWithManifest("0000003");
  PutWithManifest("10");
  memory_->Put("m/7.tar.gz", "archive");
  memory_->Put("m/7.manifest.json", "{}");
  EXPECT_THAT(Poll(),
              Optional(ElementsAre("3=s3://b/m/0000003", "7=s3://b/m/7.tar.gz", "10=s3://b/m/10")));
  EXPECT_EQ(Poll(), std::nullopt) << "nothing new, nothing sent";
  EXPECT_THAT(watch_->status().versions, ElementsAre(3, 7, 10));
  EXPECT_EQ(watch_->status().last_error, absl::OkStatus());
}

TEST_F(ServableWatchTest, ListsAFolderOfFilesByItsPathAndABucketByNothing) {
  memory_->Put("/models/m/1.tar", "archive");
  Watch(ManifestMode::kIgnored, {}, "/models/m/");
  EXPECT_THAT(Poll(), Optional(ElementsAre("1=/models/m/1.tar")));
  memory_->Put("5.tar", "archive");
  Watch(ManifestMode::kIgnored, {}, "gs://bucket");
  EXPECT_THAT(Poll(), Optional(ElementsAre("5=gs://bucket/5.tar")));
}

TEST_F(ServableWatchTest, ASiblingWithTheSameBeginningIsAnotherModel) {
  memory_->Put("m2/9/saved_model.pb", "graph");
  memory_->Put("m/", "");
  PutWithManifest("1");
  EXPECT_THAT(Poll(), Optional(ElementsAre("1=s3://b/m/1")));
}

TEST_F(ServableWatchTest, MarkersOfFoldersAndStrangeKeysMakeNoVersion) {
  PutWithManifest("1");
  for (const char* key : {"m/2/", "m/3/variables/", "m//4/saved_model.pb", "m/../5/saved_model.pb",
                          "m/6\n/saved_model.pb", "m/7\xff/saved_model.pb", "m/8.TAR", "m/9/x"}) {
    memory_->Put(key, "");
  }
  memory_->Put(absl::StrCat("m/1", std::string(1, '\0'), "/saved_model.pb"), "");
  memory_->Put(absl::StrCat("m/", std::string(1000, '1'), "/saved_model.pb"), "");
  for (int i = 0; i < 3; ++i) Poll();
  EXPECT_THAT(watch_->status().versions, ElementsAre(1));
  EXPECT_EQ(log_.Count("\n"), 0);
}

TEST_F(ServableWatchTest, AnAcceptedVersionOutlivesItsManifest) {
  PutWithManifest("1");
  Poll();
  memory_->Delete("m/1.manifest.json");
  EXPECT_EQ(Poll(), std::nullopt);
  EXPECT_EQ(watch_->status().last_error, absl::OkStatus());
}

TEST_F(ServableWatchTest, WithoutAManifestASecondPollConfirms) {
  PollOptions poll;
  poll.wait = absl::Seconds(60);
  Watch(ManifestMode::kPreferred, poll);
  PutFolder("1");
  EXPECT_EQ(Poll(), std::nullopt);
  EXPECT_EQ(wait_, absl::Seconds(1)) << "nobody waits a minute for a confirmation";
  EXPECT_THAT(Poll(), Optional(ElementsAre("1=s3://b/m/1")));
  EXPECT_EQ(wait_, absl::Seconds(60));
  EXPECT_THAT(store_->Calls(Verb::kList), ElementsAre("m/", "m/1/", "m/", "m/1/"));
  Poll();
  EXPECT_EQ(store_->Calls(Verb::kList).size(), 5U) << "one listing per poll from then on";
}

TEST_F(ServableWatchTest, ManyNewVersionsCostOneListing) {
  for (int version = 1; version <= 1000; ++version) PutFolder(absl::StrCat(version));
  Poll();
  EXPECT_EQ(Poll()->size(), 1000U);
  EXPECT_THAT(store_->Calls(Verb::kList), ElementsAre("m/", "m/", "m/", "m/"));
  EXPECT_LT(log_.lines().size(), 30U);
}

TEST_F(ServableWatchTest, ANewVersionIsSentTogetherWithTheOldOnes) {
  PutWithManifest("1");
  Poll();
  PutWithManifest("2");
  EXPECT_THAT(Poll(), Optional(ElementsAre("1=s3://b/m/1", "2=s3://b/m/2")));
}

TEST_F(ServableWatchTest, AVersionThatIsDeletedWhileOthersStayIsTakenBack) {
  PutWithManifest("1");
  PutWithManifest("2");
  Poll();
  memory_->DeletePrefix("m/2");
  EXPECT_THAT(Poll(), Optional(ElementsAre("1=s3://b/m/1")));
  PutWithManifest("2");
  EXPECT_THAT(Poll(), Optional(ElementsAre("1=s3://b/m/1", "2=s3://b/m/2")));
}

TEST_F(ServableWatchTest, KeepsServingWhenListingFails) {
  PutWithManifest("1");
  Poll();
  store_->Fail(Verb::kList, "m/", absl::UnavailableError("LIST s3://b/m/: 503 (request id 7)"), 3);
  for (const int pause : {1, 2, 4}) {
    EXPECT_EQ(Poll(), std::nullopt);
    EXPECT_EQ(wait_, absl::Seconds(pause));
  }
  const ServableSourceStatus status = watch_->status();
  EXPECT_TRUE(absl::IsUnavailable(status.last_error));
  EXPECT_THAT(std::string(status.last_error.message()), HasSubstr("version 1 stays"));
  EXPECT_THAT(status.versions, ElementsAre(1));
  EXPECT_LT(status.last_success, status.last_poll);
  EXPECT_EQ(Poll(), std::nullopt);
  EXPECT_EQ(watch_->status().last_error, absl::OkStatus());
}

TEST_F(ServableWatchTest, KeepsServingWhenTheBasePathIsSuddenlyEmptyOrGone) {
  PutWithManifest("1");
  Poll();
  memory_->DeletePrefix("m/");
  EXPECT_EQ(Poll(), std::nullopt);
  EXPECT_THAT(std::string(watch_->status().last_error.message()),
              HasSubstr("No versions of servable model found under base path s3://b/m; version 1 "
                        "stays. To unload a model, remove it"));
  store_->Fail(Verb::kList, "m/", absl::NotFoundError("no such bucket"), 1);
  EXPECT_EQ(Poll(), std::nullopt);
  PutWithManifest("2");
  EXPECT_THAT(Poll(), Optional(ElementsAre("2=s3://b/m/2")));
}

TEST_F(ServableWatchTest, KeepsServingWhileTheOnlyOtherVersionIsHalfCopied) {
  PutWithManifest("1");
  Poll();
  memory_->DeletePrefix("m/1");
  memory_->Put("m/2/variables/variables.index", "index");
  EXPECT_EQ(Poll(), std::nullopt);
  EXPECT_THAT(std::string(watch_->status().last_error.message()),
              HasSubstr("2/: not complete: saved_model.pb is missing"));
  memory_->Put("m/2/saved_model.pb", "graph");
  memory_->Put("m/2/variables/variables.data-00000-of-00001", "shard");
  EXPECT_EQ(Poll(), std::nullopt);
  EXPECT_THAT(Poll(), Optional(ElementsAre("2=s3://b/m/2")));
}

TEST_F(ServableWatchTest, AVersionThatFlapsDisturbsNoOther) {
  PutWithManifest("1");
  Poll();
  for (int i = 0; i < 20; ++i) {
    PutFolder("2");
    EXPECT_EQ(Poll(), std::nullopt);
    memory_->DeletePrefix("m/2/");
    EXPECT_EQ(Poll(), std::nullopt);
  }
}

TEST_F(ServableWatchTest, SaysWhyThereIsNoVersionYet) {
  EXPECT_EQ(Poll(), std::nullopt);
  EXPECT_THAT(std::string(watch_->status().last_error.message()),
              HasSubstr("Did you forget to name your leaf directory as a number (eg. '/1/')?"));
  opener_.error = absl::InvalidArgumentError("AWS_ENDPOINT_URL is no URL");
  Watch();
  EXPECT_EQ(Poll(), std::nullopt);
  EXPECT_THAT(std::string(watch_->status().last_error.message()),
              HasSubstr("AWS_ENDPOINT_URL is no URL"));
}

TEST_F(ServableWatchTest, LogsAStateWhenItChangesNotAtEveryPoll) {
  PutWithManifest("1");
  memory_->Put("m/7", "a file");
  Poll();
  store_->Fail(Verb::kList, "m/", absl::UnavailableError("down"), 20);
  for (int i = 0; i < 20; ++i) Poll();
  EXPECT_EQ(log_.Count("Could not list"), 1);
  EXPECT_EQ(Poll(), std::nullopt);
  EXPECT_EQ(log_.Count("shows versions again"), 1);
  for (int i = 0; i < 300; ++i) Poll();
  EXPECT_EQ(log_.Count("shows versions again"), 1);
  EXPECT_EQ(log_.Count("m/7: is a plain file"), 2) << "at first, and a reminder after the outage";
}

TEST_F(ServableWatchTest, AFolderThatCannotBeListedHidesNoOtherVersion) {
  PutFolder("1");
  PutFolder("2");
  store_->Fail(Verb::kList, "m/2/", absl::PermissionDeniedError("403"));
  Poll();
  EXPECT_THAT(Poll(), Optional(ElementsAre("1=s3://b/m/1")));
  EXPECT_TRUE(absl::IsPermissionDenied(watch_->status().last_error));
}

TEST_F(ServableWatchTest, AFailedVersionIsOfferedAgainAfterPausesThatGrow) {
  PutWithManifest("1");
  PollOptions poll;
  poll.wait = absl::Seconds(100);
  Watch(ManifestMode::kPreferred, poll);
  Poll();
  for (const int pause : {1, 2, 4, 8, 16, 32, 60, 60}) {
    FailLoad(1, absl::UnavailableError("store down"));
    EXPECT_EQ(Poll(), std::nullopt);
    EXPECT_EQ(wait_, absl::Seconds(pause));
    EXPECT_EQ(watch_->status().failed[0].next_retry, clock_.Now());
    EXPECT_THAT(Poll(), Optional(ElementsAre("1=s3://b/m/1")));
  }
  ledger_.RecordSuccess("model", 1);
  Poll();
  EXPECT_EQ(wait_, absl::Seconds(100));
  EXPECT_THAT(watch_->status().failed, IsEmpty());
}

TEST_F(ServableWatchTest, AFailedVersionIsNotRetriedEarlyBecauseAnotherOneComes) {
  PutWithManifest("1");
  Poll();
  for (int i = 0; i < 5; ++i) FailLoad(1, absl::UnavailableError("store down"));
  PutWithManifest("2");
  EXPECT_THAT(Poll(), Optional(ElementsAre("1!store down", "2=s3://b/m/2")));
}

TEST_F(ServableWatchTest, WrongContentIsOfferedAgainWhenItsObjectsChange) {
  PutFolder("1");
  Poll();
  Poll();
  const std::vector<ObjectInfo> objects = memory_->List("m/1/", ListDepth::kRecursive, {})->objects;
  FailLoad(1, absl::DataLossError("crc32c"), ListingFingerprint(objects));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Poll(), std::nullopt);
  memory_->Put("m/1/saved_model.pb", "a better graph");
  Sent sent;
  for (int i = 0; i < 4 && !sent.has_value(); ++i) sent = Poll();
  EXPECT_THAT(sent, Optional(ElementsAre("1=s3://b/m/1")));
}

TEST_F(ServableWatchTest, ANewManifestCountsAsChangedContentToo) {
  PutWithManifest("1");
  Poll();
  std::vector<ObjectInfo> objects = memory_->List("m/1/", ListDepth::kRecursive, {})->objects;
  objects.push_back(*memory_->Head("m/1.manifest.json", {}));
  FailLoad(1, absl::InvalidArgumentError("manifest"), ListingFingerprint(objects));
  EXPECT_EQ(Poll(), std::nullopt);
  EXPECT_EQ(Poll(), std::nullopt);
  memory_->Put("m/1.manifest.json", "{ }");
  EXPECT_EQ(Poll(), std::nullopt) << "looked at a second ago";
  EXPECT_THAT(Poll(), Optional(ElementsAre("1=s3://b/m/1")));
}

TEST_F(ServableWatchTest, ANewSignatureCountsAsChangedContentToo) {
  PutWithManifest("1");
  memory_->Put("m/1.manifest.sig", "of a stranger");
  Poll();
  std::vector<ObjectInfo> objects = memory_->List("m/1/", ListDepth::kRecursive, {})->objects;
  objects.push_back(*memory_->Head("m/1.manifest.json", {}));
  objects.push_back(*memory_->Head("m/1.manifest.sig", {}));
  FailLoad(1, absl::DataLossError("another key"), ListingFingerprint(objects));
  EXPECT_EQ(Poll(), std::nullopt);
  EXPECT_EQ(Poll(), std::nullopt);
  memory_->Put("m/1.manifest.sig", "of the owner");
  EXPECT_EQ(Poll(), std::nullopt) << "looked at a second ago";
  EXPECT_THAT(Poll(), Optional(ElementsAre("1=s3://b/m/1")));
}

TEST_F(ServableWatchTest, WrongContentThatStaysIsOfferedAgainAfterTenSeconds) {
  PutWithManifest("1");
  Poll();
  FailLoad(1, absl::DataLossError("crc32c"));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Poll(), std::nullopt) << i;
  EXPECT_THAT(Poll(), Optional(ElementsAre("1=s3://b/m/1")));
}

TEST_F(ServableWatchTest, FailuresOfAVersionThatIsGoneAreForgotten) {
  PutWithManifest("1");
  PutWithManifest("2");
  Poll();
  FailLoad(2, absl::UnavailableError("down"));
  memory_->DeletePrefix("m/2");
  EXPECT_THAT(Poll(), Optional(ElementsAre("1=s3://b/m/1")));
  EXPECT_FALSE(ledger_.LastFailure("model", 2).has_value());
  FailLoad(1, absl::UnavailableError("down"));
  watch_->ForgetFailures();
  EXPECT_FALSE(ledger_.LastFailure("model", 1).has_value());
}

TEST_F(ServableWatchTest, ASuddenlyEmptyBasePathOffersNoRetries) {
  PutWithManifest("1");
  Poll();
  FailLoad(1, absl::UnavailableError("down"));
  Poll();
  memory_->DeletePrefix("m/");
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Poll(), std::nullopt);
    EXPECT_EQ(wait_, absl::Seconds(1));
  }
}

TEST_F(ServableWatchTest, PollingOnceGoesOnUntilTheAnswerIsComplete) {
  PollOptions once;
  once.wait = absl::ZeroDuration();
  Watch(ManifestMode::kPreferred, once);
  store_->Fail(Verb::kList, "m/", absl::UnavailableError("down"), 1);
  Poll();
  EXPECT_EQ(wait_, absl::Seconds(1)) << "a failure is no answer";
  Poll();
  EXPECT_EQ(wait_, absl::Seconds(1)) << "nothing there is no answer";
  PutWithManifest("1");
  PutFolder("2");
  EXPECT_THAT(Poll(), Optional(ElementsAre("1=s3://b/m/1")));
  EXPECT_EQ(wait_, absl::Seconds(1)) << "version 2 may be complete";
  EXPECT_THAT(Poll(), Optional(ElementsAre("1=s3://b/m/1", "2=s3://b/m/2")));
  EXPECT_EQ(wait_, absl::InfiniteDuration());
}

TEST_F(ServableWatchTest, ACancelledPollTellsNothing) {
  PutWithManifest("1");
  Cancellation cancellation;
  cancellation.Cancel();
  const ServableWatch::Outcome outcome = watch_->Poll(&cancellation);
  EXPECT_FALSE(outcome.aspired.has_value());
  EXPECT_EQ(log_.lines().size(), 0U);
}

}  // namespace
}  // namespace tfserving_remote

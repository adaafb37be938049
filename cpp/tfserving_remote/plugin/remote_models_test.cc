// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/plugin/remote_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "tfserving_remote/store/memory/memory_store.h"
#include "tfserving_remote/testing/fake_clock.h"
#include "tfserving_remote/testing/one_store.h"
#include "tfserving_remote/testing/recording_log.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

tfs::ModelConfigList Models(const std::string& text) {
  tfs::ModelConfigList models;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &models)) << text;
  return models;
}

std::string Model(const std::string& name, const std::string& fields) {
  return absl::StrCat("config { name: '", name, "' ", fields, " } ");
}

constexpr char kA[] = "base_path: 's3://b/a' model_platform: 'tensorflow'";
constexpr char kB[] = "base_path: 's3://b/b' model_platform: 'tensorflow'";

class RemoteModelsTest : public ::testing::Test {
 protected:
  RemoteModelsTest() {
    StreamingOptions streaming;
    streaming.stores = std::make_shared<OneStore>(memory_);
    streaming.transfers = CreateTransferPool({});
    streaming.ledger = std::make_shared<LoadLedger>();
    streaming.log = &log_;
    streaming.clock = &clock_;
    models_ = *RemoteModels::Create({}, streaming);
    for (const char* base : {"a", "b"}) {
      for (const int version : {1, 2, 3}) PutVersion(base, version);
    }
  }

  void PutVersion(const std::string& base, int version) {
    memory_->Put(absl::StrCat(base, "/", version, "/saved_model.pb"), "graph");
    memory_->Put(absl::StrCat(base, "/", version, ".manifest.json"), "{}");
  }
  void Update(const std::string& text) { ASSERT_TRUE(models_->UpdateModels(Models(text)).ok()); }
  void Start() {
    models_->SetAspiredVersionsCallback([this](const absl::string_view name, auto versions) {
      std::string line = absl::StrCat(name, ":");
      for (const auto& version : versions) absl::StrAppend(&line, " ", version.DataOrDie());
      absl::MutexLock lock(&mu_);
      sent_.push_back(std::move(line));
    });
  }
  /// Waits until something was sent, and takes it.
  std::vector<std::string> Sent() {
    absl::MutexLock lock(&mu_);
    const auto something = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !sent_.empty(); };
    mu_.Await(absl::Condition(&something));
    return std::exchange(sent_, {});
  }
  bool SentNothing() {
    absl::MutexLock lock(&mu_);
    return sent_.empty();
  }

  FakeClock clock_;
  RecordingLog log_;
  const std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>("s3://b/");
  absl::Mutex mu_;
  std::vector<std::string> sent_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<RemoteModels> models_;
};

TEST_F(RemoteModelsTest, SendsTheVersionsThatTheModelsPolicyWants) {
  Update(Model("m", absl::StrCat(kA, " model_version_policy { specific { versions: 1 } }")));
  Start();
  EXPECT_THAT(Sent(), ElementsAre("m: s3://b/a/1"));
}

TEST_F(RemoteModelsTest, AModelThatIsAddedLaterIsLookedForAtOnce) {
  Start();
  Update(Model("m", kA));
  EXPECT_THAT(Sent(), ElementsAre("m: s3://b/a/3"));
}

TEST_F(RemoteModelsTest, ANewPolicyChoosesAnewBeforeTheUpdateReturns) {
  Update(Model("m", kA));
  Start();
  Sent();
  Update(Model("m", absl::StrCat(kA, " model_version_policy { all { } }")));
  EXPECT_FALSE(SentNothing());
  EXPECT_THAT(Sent(), ElementsAre("m: s3://b/a/1 s3://b/a/2 s3://b/a/3"));
}

TEST_F(RemoteModelsTest, AModelThatGoesGetsItsEmptyListAndNothingElse) {
  Update(Model("m", absl::StrCat(kA, " model_version_policy { specific { versions: 1 } }")));
  Start();
  Sent();
  Update("");
  EXPECT_FALSE(SentNothing());
  EXPECT_THAT(Sent(), ElementsAre("m:"));
  EXPECT_THAT(models_->Snapshot(), IsEmpty());
}

TEST_F(RemoteModelsTest, AModelThatMovesKeepsWhatItHasUntilTheNewPathShowsAVersion) {
  Update(Model("m", kA));
  Start();
  Sent();
  Update(Model("m", absl::StrCat(kB, " model_version_policy { all { } }")));
  EXPECT_THAT(Sent(), ElementsAre("m: s3://b/b/1 s3://b/b/2 s3://b/b/3"));
}

TEST_F(RemoteModelsTest, AListThatCannotBeWatchedChangesNothing) {
  Update(Model("m", kA));
  Start();
  Sent();
  const absl::Status status = models_->UpdateModels(
      Models(Model("m", absl::StrCat(kA, " model_version_policy { all { } }")) +
             Model("n", "base_path: 'ftp://b/n' model_platform: 'tensorflow'")));
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("servable n"));
  EXPECT_TRUE(SentNothing());
  EXPECT_EQ(models_->Snapshot().size(), 1u);
}

TEST_F(RemoteModelsTest, OnlyVersionsOfTensorFlowHaveToBeSavedModels) {
  memory_->Put("table/7/table.csv", "key,value");
  Update(Model("saved", "base_path: 's3://b/table' model_platform: 'tensorflow'") +
         Model("table", "base_path: 's3://b/table' model_platform: 'hashmap'"));
  Start();
  // The second listing, which agrees with the first, makes the version of the table complete.
  for (clock_.WaitForSleepers(2); SentNothing(); clock_.WaitForSleepers(2)) {
    clock_.AdvanceToNextSleeper();
  }
  EXPECT_THAT(Sent(), ElementsAre("table: s3://b/table/7"));
  EXPECT_THAT(models_->WhyNoVersion("saved"), HasSubstr("s3://b/table"));
}

TEST_F(RemoteModelsTest, KnowsWhyThereIsNoVersion) {
  Update(Model("m", "base_path: 's3://b/empty' model_platform: 'tensorflow'"));
  EXPECT_EQ(models_->WhyNoVersion("m"), "s3://b/empty is being listed for the first time");
  EXPECT_EQ(models_->WhyNoVersion("n"), "");
  Start();
  clock_.WaitForSleepers(1);
  EXPECT_THAT(models_->WhyNoVersion("m"), HasSubstr("s3://b/empty"));
  EXPECT_THAT(models_->WhyNoVersion("m"), ::testing::Not(HasSubstr("first time")));
}

}  // namespace
}  // namespace tfserving_remote

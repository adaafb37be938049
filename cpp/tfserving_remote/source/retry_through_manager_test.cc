// SPDX-License-Identifier: Apache-2.0
// What the source sends, an AspiredVersionsManager understands: failed versions are loaded again
// when they are due, and not before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/simple_loader.h"
#include "tensorflow_serving/core/test_util/manager_test_util.h"
#include "tfserving_remote/source/servable_watch.h"
#include "tfserving_remote/store/memory/memory_store.h"
#include "tfserving_remote/testing/fake_clock.h"
#include "tfserving_remote/testing/one_store.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class RetryThroughManagerTest : public testing::Test {
 protected:
  RetryThroughManagerTest() {
    tfs::AspiredVersionsManager::Options options;
    options.manage_state_interval_micros = -1;
    options.aspired_version_policy = std::make_unique<tfs::AvailabilityPreservingPolicy>();
    options.max_num_load_retries = 0;
    options.enable_reload_servables_with_error = true;
    EXPECT_EQ(tfs::AspiredVersionsManager::Create(std::move(options), &manager_), absl::OkStatus());
  }

  void PutVersion(int64_t version) {
    memory_->Put(absl::StrCat("m/", version, "/saved_model.pb"), "graph");
    memory_->Put(absl::StrCat("m/", version, ".manifest.json"), "{}");
  }

  /// A loader that fails as `broken_` says, and tells the ledger as the real one does.
  std::unique_ptr<tfs::Loader> MakeLoader(int64_t version) {
    return std::make_unique<tfs::SimpleLoader<int>>(
        [this, version](std::unique_ptr<int>* servable) -> absl::Status {
          ++loads_[version];
          if (const auto error = broken_.find(version); error != broken_.end()) {
            ledger_.RecordFailure("model", version, error->second, "", clock_.Now());
            return error->second;
          }
          ledger_.RecordSuccess("model", version);
          *servable = std::make_unique<int>(0);
          return absl::OkStatus();
        },
        tfs::SimpleLoader<int>::EstimateNoResources());
  }

  void Tell(ServableWatch::AspiredVersions aspired) {
    std::vector<tfs::ServableData<std::unique_ptr<tfs::Loader>>> loaders;
    for (const auto& item : aspired) {
      if (item.status().ok()) {
        loaders.emplace_back(item.id(), MakeLoader(item.id().version));
      } else {
        loaders.emplace_back(item.id(), item.status());
      }
    }
    manager_->GetAspiredVersionsCallback()("model", std::move(loaders));
  }

  /// Polls once, lets the manager do all it wants to, and moves time on to the next poll.
  void Step() {
    ServableWatch::Outcome outcome = watch_.Poll(nullptr);
    if (outcome.aspired.has_value()) Tell(*std::move(outcome.aspired));
    tfs::test_util::AspiredVersionsManagerTestAccess access(manager_.get());
    for (int i = 0; i < 6; ++i) {
      access.FlushServables();
      access.HandlePendingAspiredVersionsRequests();
      access.InvokePolicyAndExecuteAction();
    }
    clock_.Advance(outcome.wait);
  }

  std::vector<int64_t> Available() const {
    std::vector<int64_t> versions;
    for (const auto& id : manager_->ListAvailableServableIds()) versions.push_back(id.version);
    return versions;
  }

  FakeClock clock_;
  LoadLedger ledger_;
  std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>("s3://b/");
  OneStore opener_{memory_};
  ServableWatch watch_{"model",
                       *StorageUrl::Parse("s3://b/m"),
                       CompletenessRule(),
                       PollOptions(),
                       LoadRetryOptions(),
                       SourceEnv{opener_, clock_, LogSink::Null(), &ledger_, [] { return 0.0; }}};
  std::map<int64_t, absl::Status> broken_;
  std::map<int64_t, int> loads_;
  std::unique_ptr<tfs::AspiredVersionsManager> manager_;
};

TEST_F(RetryThroughManagerTest, AFailedVersionIsLoadedAgainAfterPausesThatGrowUntilItLoads) {
  PutVersion(1);
  broken_[1] = absl::UnavailableError("store down");
  const absl::Time start = clock_.Now();
  std::vector<int64_t> seconds;
  for (int before = 0; clock_.Now() < start + absl::Seconds(16);) {
    const absl::Time now = clock_.Now();
    Step();
    if (loads_[1] > before) seconds.push_back((now - start) / absl::Seconds(1));
    before = loads_[1];
  }
  EXPECT_THAT(seconds, ElementsAre(0, 1, 3, 7, 15));
  EXPECT_THAT(Available(), IsEmpty());
  broken_.clear();
  for (int i = 0; i < 20; ++i) Step();
  EXPECT_THAT(Available(), ElementsAre(1));
  EXPECT_EQ(loads_[1], 6);
}

TEST_F(RetryThroughManagerTest, AnotherVersionThatComesCausesNoEarlyRetry) {
  PutVersion(1);
  broken_[1] = absl::DataLossError("crc32c");
  Step();
  PutVersion(2);
  PutVersion(3);
  Step();
  EXPECT_EQ(loads_[1], 1);
  EXPECT_THAT(Available(), UnorderedElementsAre(2, 3));
  for (int i = 0; i < 12; ++i) Step();
  EXPECT_EQ(loads_[1], 2) << "after ten seconds";
  EXPECT_EQ(loads_[2], 1);
  EXPECT_EQ(loads_[3], 1);
}

TEST_F(RetryThroughManagerTest, WhatServesStaysWhileANewerVersionFailsAndWhenAllVanish) {
  PutVersion(1);
  Step();
  broken_[2] = absl::UnavailableError("store down");
  PutVersion(2);
  for (int i = 0; i < 10; ++i) Step();
  EXPECT_THAT(Available(), ElementsAre(1));
  memory_->DeletePrefix("m/");
  for (int i = 0; i < 10; ++i) Step();
  EXPECT_THAT(Available(), ElementsAre(1));
}

}  // namespace
}  // namespace tfserving_remote

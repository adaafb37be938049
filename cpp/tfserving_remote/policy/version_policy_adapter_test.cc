// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/policy/version_policy_adapter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/testing/recording_log.h"

namespace tfserving_remote {
namespace {

using tensorflow::serving::ServableData;
using tensorflow::serving::StoragePath;
using testing::ElementsAre;
using testing::IsEmpty;
using Versions = std::vector<ServableData<StoragePath>>;

class VersionPolicyAdapterTest : public testing::Test {
 protected:
  void Use(VersionPolicyAdapter::Policies policies) {
    adapter_ = std::make_unique<VersionPolicyAdapter>(std::move(policies), log_);
    adapter_->SetAspiredVersionsCallback([this](const absl::string_view name, Versions versions) {
      std::string line = absl::StrCat(name, ":");
      for (const auto& version : versions) {
        EXPECT_EQ(version.id().name, name);
        absl::StrAppend(&line, " ", version.id().version,
                        version.status().ok() ? version.DataOrDie() : "!");
      }
      absl::MutexLock lock(&mu_);
      sent_.push_back(line);
    });
  }

  /// Sends versions of `name` as the source would.
  void Send(const std::string& name, const std::vector<int64_t>& numbers) {
    Versions versions;
    for (const int64_t number : numbers) {
      versions.push_back(ServableData<StoragePath>({name, number}, std::string("/p")));
    }
    adapter_->GetAspiredVersionsCallback()(name, std::move(versions));
  }

  std::vector<std::string> Sent() {
    absl::MutexLock lock(&mu_);
    std::vector<std::string> sent;
    sent.swap(sent_);
    return sent;
  }

  absl::Mutex mu_;
  std::vector<std::string> sent_ ABSL_GUARDED_BY(mu_);
  RecordingLog log_;
  std::unique_ptr<VersionPolicyAdapter> adapter_;
};

TEST_F(VersionPolicyAdapterTest, ChoosesByTheServablesPolicyAndTheLatestByDefault) {
  Use({{"two", VersionPolicy::Latest(2)}, {"all", VersionPolicy::All()}});
  for (const char* name : {"two", "all", "other"}) Send(name, {1, 2, 3});
  EXPECT_THAT(Sent(), ElementsAre("two: 2/p 3/p", "all: 1/p 2/p 3/p", "other: 3/p"));
}

TEST_F(VersionPolicyAdapterTest, AListThatComesAgainGoesOutAgain) {
  Use({});
  Send("m", {1});
  Send("m", {1});
  Send("m", {});
  EXPECT_THAT(Sent(), ElementsAre("m: 1/p", "m: 1/p", "m:"));
}

TEST_F(VersionPolicyAdapterTest, ErrorsAreChosenLikeTheOthers) {
  Use({});
  Versions versions;
  versions.push_back(ServableData<StoragePath>({"m", 1}, std::string("/p")));
  versions.push_back(ServableData<StoragePath>({"m", 2}, absl::DataLossError("crc32c")));
  adapter_->GetAspiredVersionsCallback()("m", versions);
  EXPECT_THAT(Sent(), ElementsAre("m: 2!"));
}

TEST_F(VersionPolicyAdapterTest, OfANumberThatIsThereTwiceTheFirstCounts) {
  Use({{"m", VersionPolicy::All()}});
  Versions versions;
  versions.push_back(ServableData<StoragePath>({"m", 1}, std::string("/first")));
  versions.push_back(ServableData<StoragePath>({"m", 1}, std::string("/second")));
  adapter_->GetAspiredVersionsCallback()("m", versions);
  EXPECT_THAT(Sent(), ElementsAre("m: 1/first"));
}

TEST_F(VersionPolicyAdapterTest, ANewPolicyAppliesAtOnceToThoseItChanges) {
  Use({{"same", VersionPolicy::All()}});
  Send("same", {1, 2});
  Send("m", {1, 2, 3});
  Sent();
  adapter_->SetPolicies({{"same", VersionPolicy::All()}, {"m", VersionPolicy::Specific({1})}});
  EXPECT_THAT(Sent(), ElementsAre("m: 1/p"));
  adapter_->SetPolicies({{"same", VersionPolicy::All()}, {"unknown", VersionPolicy::All()}});
  EXPECT_THAT(Sent(), ElementsAre("m: 3/p"));
}

TEST_F(VersionPolicyAdapterTest, ARemovedServableIsNotSentAgain) {
  Use({});
  Send("m", {1});
  Send("m", {});
  Sent();
  adapter_->SetPolicies({{"m", VersionPolicy::All()}});
  EXPECT_THAT(Sent(), IsEmpty());
}

TEST_F(VersionPolicyAdapterTest, AServableThatMovedIsChosenFromItsNextListOnly) {
  Use({});
  Send("m", {1, 2});
  Sent();
  adapter_->SetPolicies({{"m", VersionPolicy::All()}}, {"m"});
  EXPECT_THAT(Sent(), IsEmpty());
  Send("m", {1, 3});
  EXPECT_THAT(Sent(), ElementsAre("m: 1/p 3/p"));
}

TEST_F(VersionPolicyAdapterTest, BeforeItIsWiredPoliciesCanChange) {
  adapter_ = std::make_unique<VersionPolicyAdapter>(VersionPolicyAdapter::Policies(), log_);
  adapter_->SetPolicies({{"m", VersionPolicy::All()}});
  EXPECT_THAT(Sent(), IsEmpty());
}

TEST_F(VersionPolicyAdapterTest, AMissingSpecificVersionIsToldOnceUntilItWasThere) {
  Use({{"m", VersionPolicy::Specific({1, 7})}});
  const char* missing = "Version 7 of servable m, which was requested to be served as a 'specific'";
  for (int i = 0; i < 3; ++i) Send("m", {1});
  EXPECT_EQ(log_.Count(missing), 1);
  Send("m", {1, 7});
  Send("m", {1});
  EXPECT_EQ(log_.Count(missing), 2);
  Send("m", {});
  EXPECT_EQ(log_.lines().size(), 2U);
}

// Lists and policies that change at the same time: what goes out last fits both. The sanitizers
// watch.
TEST_F(VersionPolicyAdapterTest, NoListOvertakesANewerOne) {
  Use({});
  Send("m", {0});
  std::thread policies([this] {
    for (int i = 0; i < 200; ++i) {
      adapter_->SetPolicies({{"m", i % 2 == 0 ? VersionPolicy::All() : VersionPolicy::Latest(1)}});
    }
  });
  for (int64_t version = 1; version <= 200; ++version) Send("m", {version - 1, version});
  policies.join();
  EXPECT_EQ(Sent().back(), "m: 200/p");
}

}  // namespace
}  // namespace tfserving_remote

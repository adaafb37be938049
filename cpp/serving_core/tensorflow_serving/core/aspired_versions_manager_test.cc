// SPDX-License-Identifier: Apache-2.0
// Tests that drive the manager step by step.
#include "tensorflow_serving/core/aspired_versions_manager.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/resource_preserving_policy.h"
#include "tensorflow_serving/core/test_util/manager_test_util.h"
#include "tensorflow_serving/core/test_util/test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::EventLog;
using test_util::FailWith;
using test_util::ListOf;
using test_util::LoaderData;
using test_util::MakeVersion;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AspiredVersionsManagerTest : public ::testing::Test {
 protected:
  AspiredVersionsManagerTest() { Start(AspiredVersionsManager::Options()); }

  void Start(AspiredVersionsManager::Options options) {
    manager_.reset();
    options.manage_state_interval_micros = 0;
    options.servable_event_bus = log_.bus();
    options.load_retry_interval_micros = -1;
    options.max_num_load_retries = 0;
    if (options.aspired_version_policy == nullptr) {
      options.aspired_version_policy = std::make_unique<AvailabilityPreservingPolicy>();
    }
    ASSERT_TRUE(AspiredVersionsManager::Create(std::move(options), &manager_).ok());
  }

  void Aspire(const std::string& name, std::vector<LoaderData> versions) {
    manager_->GetAspiredVersionsCallback()(name, std::move(versions));
  }
  void Step() {
    test_util::AspiredVersionsManagerTestAccess access(manager_.get());
    access.FlushServables();
    access.HandlePendingAspiredVersionsRequests();
    access.InvokePolicyAndExecuteAction();
  }
  // What a few steps publish: enough for whatever these tests ask for to settle.
  std::vector<std::string> Settle() {
    for (int i = 0; i < 6; ++i) Step();
    return log_.Take();
  }
  ServableHandle<int64_t> Get(const ServableRequest& request) {
    ServableHandle<int64_t> handle;
    const absl::Status status = manager_->GetServableHandle(request, &handle);
    return status.ok() ? std::move(handle) : ServableHandle<int64_t>();
  }

  EventLog log_;
  std::unique_ptr<AspiredVersionsManager> manager_;
};

TEST_F(AspiredVersionsManagerTest, NeedsAPolicy) {
  std::unique_ptr<AspiredVersionsManager> manager;
  EXPECT_TRUE(absl::IsInvalidArgument(AspiredVersionsManager::Create({}, &manager)));
}

TEST_F(AspiredVersionsManagerTest, LoadsTheNewVersionBeforeItUnloadsTheOld) {
  Aspire("m", ListOf(MakeVersion("m", 1)));
  EXPECT_THAT(Settle(), ElementsAre("m/1 Start", "m/1 Loading", "m/1 Available"));
  Aspire("m", ListOf(MakeVersion("m", 2)));
  EXPECT_THAT(Settle(),
              ElementsAre("m/2 Start", "m/2 Loading", "m/2 Available", "m/1 Unloading", "m/1 End"));
  EXPECT_THAT(manager_->ListAvailableServableIds(), ElementsAre(ServableId{"m", 2}));
  Aspire("m", {});
  EXPECT_THAT(Settle(), ElementsAre("m/2 Unloading", "m/2 End"));
}

TEST_F(AspiredVersionsManagerTest, UnloadsFirstWithTheResourcePreservingPolicy) {
  AspiredVersionsManager::Options options;
  options.aspired_version_policy = std::make_unique<ResourcePreservingPolicy>();
  Start(std::move(options));
  Aspire("m", ListOf(MakeVersion("m", 1)));
  Settle();
  Aspire("m", ListOf(MakeVersion("m", 2)));
  EXPECT_THAT(Settle(),
              ElementsAre("m/2 Start", "m/1 Unloading", "m/1 End", "m/2 Loading", "m/2 Available"));
}

TEST_F(AspiredVersionsManagerTest, ActsOnEveryStreamInOneStepUnloadsFirst) {
  Aspire("z", ListOf(MakeVersion("z", 1)));
  Settle();
  Aspire("z", {});
  Aspire("a", ListOf(MakeVersion("a", 1)));
  Aspire("b", ListOf(MakeVersion("b", 1)));
  Step();
  EXPECT_THAT(log_.Take(),
              ElementsAre("a/1 Start", "b/1 Start", "z/1 Unloading", "z/1 End", "a/1 Loading",
                          "a/1 Available", "b/1 Loading", "b/1 Available"));
}

TEST_F(AspiredVersionsManagerTest, SortsActionsAsItIsTold) {
  using Action = AspiredVersionPolicy::ServableAction;
  test_util::AspiredVersionsManagerTestAccess(manager_.get())
      .SetCustomSortActions(
          [](const Action& a, const Action& b) { return a.id.version > b.id.version; });
  Aspire("a", ListOf(MakeVersion("a", 1)));
  Aspire("b", ListOf(MakeVersion("b", 2)));
  Step();
  EXPECT_THAT(log_.Take(), ElementsAre("a/1 Start", "b/2 Start", "b/2 Loading", "b/2 Available",
                                       "a/1 Loading", "a/1 Available"));
}

TEST_F(AspiredVersionsManagerTest, IgnoresResentAndRepeatedVersions) {
  Aspire("m", ListOf(MakeVersion("m", 1), MakeVersion("m", 1, FailWith(absl::InternalError("")))));
  EXPECT_THAT(Settle(), ElementsAre("m/1 Start", "m/1 Loading", "m/1 Available"));
  Aspire("m", ListOf(MakeVersion("m", 1)));
  EXPECT_THAT(Settle(), IsEmpty());
}

TEST_F(AspiredVersionsManagerTest, KeepsOnlyTheNewestListOfAStream) {
  Aspire("m", ListOf(MakeVersion("m", 1)));
  Aspire("m", ListOf(MakeVersion("m", 2)));
  EXPECT_THAT(Settle(), ElementsAre("m/2 Start", "m/2 Loading", "m/2 Available"));
}

TEST_F(AspiredVersionsManagerTest, RejectsAListWithAnotherServablesVersion) {
  EXPECT_DEBUG_DEATH(Aspire("m", ListOf(MakeVersion("other", 1))), "rejected");
  EXPECT_THAT(Settle(), IsEmpty());
}

TEST_F(AspiredVersionsManagerTest, AFailedVersionStaysWhileItIsListedAndHarmsNoOther) {
  Aspire("m", ListOf(MakeVersion("m", 1)));
  Settle();
  const auto list = [] {
    return ListOf(MakeVersion("m", 2, FailWith(absl::NotFoundError("gone"))),
                  LoaderData({"m", 3}, absl::InternalError("bad item")));
  };
  Aspire("m", list());
  EXPECT_THAT(Settle(),
              ElementsAre("m/2 Start", "m/3 End INTERNAL", "m/2 Loading", "m/2 End NOT_FOUND"));
  EXPECT_EQ(*Get(ServableRequest::Latest("m")), 1);
  Aspire("m", list());
  EXPECT_THAT(Settle(), IsEmpty());
}

TEST_F(AspiredVersionsManagerTest, TellsTheEndOfAVersionThatCameWithoutALoader) {
  for (int i = 0; i < 2; ++i) Aspire("m", ListOf(LoaderData({"m", 1}, nullptr)));
  EXPECT_THAT(Settle(), ElementsAre("m/1 End INVALID_ARGUMENT"));
  Aspire("m", ListOf(LoaderData({"m", 1}, nullptr)));
  EXPECT_THAT(Settle(), IsEmpty());
  Aspire("m", ListOf(MakeVersion("m", 2)));
  EXPECT_THAT(Settle(), ElementsAre("m/2 Start", "m/2 Loading", "m/2 Available"));
}

TEST_F(AspiredVersionsManagerTest, GivesFailedVersionsAFreshStartIfToldTo) {
  AspiredVersionsManager::Options options;
  options.enable_reload_servables_with_error = true;
  Start(std::move(options));
  Aspire("m", ListOf(MakeVersion("m", 1), MakeVersion("m", 2, FailWith(absl::AbortedError("")))));
  Settle();
  Aspire("m", ListOf(MakeVersion("m", 1), MakeVersion("m", 2)));
  EXPECT_THAT(Settle(), ElementsAre("m/2 Start", "m/2 Loading", "m/2 Available"));
  Aspire("m", ListOf(MakeVersion("m", 1), LoaderData({"m", 2}, absl::InternalError("bad item"))));
  EXPECT_THAT(Settle(), IsEmpty());
}

TEST_F(AspiredVersionsManagerTest, ARelistedVersionThatFailedStartsAnewAtOnce) {
  Aspire("m", ListOf(MakeVersion("m", 1, FailWith(absl::AbortedError("")))));
  Settle();
  Aspire("m", {});
  test_util::AspiredVersionsManagerTestAccess access(manager_.get());
  access.HandlePendingAspiredVersionsRequests();
  Aspire("m", ListOf(MakeVersion("m", 1)));
  access.HandlePendingAspiredVersionsRequests();  // without a flush in between
  EXPECT_THAT(Settle(), ElementsAre("m/1 Start", "m/1 Loading", "m/1 Available"));
}

TEST_F(AspiredVersionsManagerTest, ARelistedVersionThatFailedStartsAnewHoweverShortItWasGone) {
  Aspire("m", ListOf(MakeVersion("m", 1, FailWith(absl::AbortedError("")))));
  Settle();
  Aspire("m", {});
  Aspire("m", ListOf(MakeVersion("m", 1, FailWith(absl::AbortedError("replaced")))));
  Aspire("m", ListOf(MakeVersion("m", 1)));
  EXPECT_THAT(Settle(), ElementsAre("m/1 Start", "m/1 Loading", "m/1 Available"));
}

TEST_F(AspiredVersionsManagerTest, ARelistedVersionThatStillServesGoesOnServing) {
  Aspire("m", ListOf(MakeVersion("m", 1)));
  Settle();
  Aspire("m", ListOf(MakeVersion("m", 2, FailWith(absl::AbortedError("")))));
  EXPECT_THAT(Settle(), ElementsAre("m/2 Start", "m/2 Loading", "m/2 End ABORTED"));
  // Version 1 is kept by the policy although nobody wants it; 2 is not flushed yet.
  Aspire("m", ListOf(MakeVersion("m", 1)));
  EXPECT_THAT(Settle(), IsEmpty());
  EXPECT_EQ(*Get(ServableRequest::Latest("m")), 1);
}

TEST_F(AspiredVersionsManagerTest, AVersionThatIsNewOnlyForAMomentIsForgotten) {
  Aspire("m", ListOf(MakeVersion("m", 1)));
  test_util::AspiredVersionsManagerTestAccess access(manager_.get());
  access.HandlePendingAspiredVersionsRequests();
  Aspire("m", {});
  EXPECT_THAT(Settle(), ElementsAre("m/1 Start"));
}

TEST_F(AspiredVersionsManagerTest, AListGoesThroughAlthoughOneOfItsVersionsIsUnloading) {
  Aspire("m", ListOf(MakeVersion("m", 1)));
  Settle();
  ServableHandle<int64_t> handle = Get(ServableRequest::Latest("m"));
  Aspire("m", {});
  EXPECT_THAT(Settle(), ElementsAre("m/1 Unloading"));
  Aspire("m", ListOf(MakeVersion("m", 1), MakeVersion("m", 2)));
  EXPECT_THAT(Settle(), ElementsAre("m/2 Start", "m/2 Loading", "m/2 Available"));
  handle = ServableHandle<int64_t>();
  log_.Await("m/1 End");
  // The end is announced after it is published, hence the loop.
  std::vector<std::string> events = log_.Take();
  EXPECT_THAT(events, ElementsAre("m/1 End"));
  for (events.clear(); events.empty(); events = log_.Take()) Step();
  EXPECT_THAT(events, ElementsAre("m/1 Start", "m/1 Loading", "m/1 Available"));
}

TEST_F(AspiredVersionsManagerTest, GoesOnServingUntilAVersionThatUnloadsIsBack) {
  Aspire("m", ListOf(MakeVersion("m", 1)));
  Settle();
  ServableHandle<int64_t> handle = Get(ServableRequest::Latest("m"));
  Aspire("m", ListOf(MakeVersion("m", 2)));
  EXPECT_THAT(Settle(), ElementsAre("m/2 Start", "m/2 Loading", "m/2 Available", "m/1 Unloading"));
  Aspire("m", ListOf(MakeVersion("m", 1)));
  EXPECT_THAT(Settle(), IsEmpty());
  EXPECT_EQ(*Get(ServableRequest::Latest("m")), 2);
  handle = ServableHandle<int64_t>();
  log_.Await("m/1 End");
  log_.Take();
  std::vector<std::string> events;
  for (; events.size() < 5; Step()) {
    for (std::string& event : log_.Take()) events.push_back(std::move(event));
  }
  EXPECT_THAT(events,
              ElementsAre("m/1 Start", "m/1 Loading", "m/1 Available", "m/2 Unloading", "m/2 End"));
}

TEST_F(AspiredVersionsManagerTest, AHeldHandleDelaysNeitherTheLoopNorOtherModels) {
  Aspire("a", ListOf(MakeVersion("a", 1)));
  Aspire("b", ListOf(MakeVersion("b", 1)));
  Settle();
  const ServableHandle<int64_t> handle = Get(ServableRequest::Latest("a"));
  Aspire("a", ListOf(MakeVersion("a", 2)));
  EXPECT_THAT(Settle(), ElementsAre("a/2 Start", "a/2 Loading", "a/2 Available", "a/1 Unloading"));
  Aspire("b", ListOf(MakeVersion("b", 2)));
  EXPECT_THAT(Settle(),
              ElementsAre("b/2 Start", "b/2 Loading", "b/2 Available", "b/1 Unloading", "b/1 End"));
  EXPECT_EQ(*handle, 1);
}

TEST_F(AspiredVersionsManagerTest, LetsOthersSetTheNumberOfLoadThreadsWhileItLives) {
  const auto set_threads = internal::SetManagerNumLoadThreadsNotifier(manager_.get());
  EXPECT_EQ(internal::GetManagerNumLoadThreads(manager_.get()), 0);
  set_threads(2);
  EXPECT_EQ(internal::GetManagerNumLoadThreads(manager_.get()), 2);
  manager_.reset();
  set_threads(3);
}

TEST_F(AspiredVersionsManagerTest, ListsAfterItsEndAreDropped) {
  const auto callback = manager_->GetAspiredVersionsCallback();
  manager_.reset();
  callback("m", ListOf(MakeVersion("m", 1)));
  EXPECT_THAT(log_.Take(), IsEmpty());
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
// What a manager with a ResourceTracker lets in, through its own interface. Memory is counted in
// units of 1, and there are 10 of them.
#include "tensorflow_serving/core/load_gate.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/basic_manager.h"
#include "tensorflow_serving/core/test_util/manager_test_util.h"
#include "tensorflow_serving/core/test_util/resource_text.h"
#include "tensorflow_serving/core/test_util/test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::EventLog;
using test_util::LoaderData;
using ::testing::Contains;
using ::testing::ElementsAre;
using State = LoaderHarness::State;

constexpr int64_t kOneDayInMicros = 24LL * 3600 * 1000 * 1000;

// What the tests and their loaders share: the loaders die with the manager.
class Script {
 public:
  explicit Script(uint64_t needs) : needs_(needs) {}

  // The load waits for LetLoad or LetFail.
  void HoldLoad() { holds_ = true; }
  void LetLoad(uint64_t needs_then = 0) {
    if (needs_then > 0) needs_ = needs_then;
    go_on_.Notify();
  }
  void LetFail() {
    fails_ = true;
    go_on_.Notify();
  }
  void AwaitLoading() { loading_.WaitForNotification(); }

  std::function<absl::Status()> on_estimate = [] { return absl::OkStatus(); };
  int num_estimates() const {
    absl::MutexLock lock(&mu_);
    return num_estimates_;
  }
  // With the second one a servable that is not loaded is judged: from then on it waits if it must.
  void AwaitEstimates(int n) {
    absl::MutexLock lock(&mu_);
    const auto enough = [this, n]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return num_estimates_ >= n; };
    mu_.Await(absl::Condition(&enough));
  }

  absl::Status Estimate(ResourceAllocation* estimate) {
    {
      absl::MutexLock lock(&mu_);
      ++num_estimates_;
    }
    *estimate = test_util::AllocationOf(absl::StrCat("main/ram=", needs_.load()));
    return on_estimate();
  }
  absl::Status Load() {
    loading_.Notify();
    if (holds_) go_on_.WaitForNotification();
    return fails_ ? absl::DataLossError("truncated") : absl::OkStatus();
  }

 private:
  std::atomic<uint64_t> needs_;
  std::atomic<bool> holds_{false};
  std::atomic<bool> fails_{false};
  mutable absl::Mutex mu_;
  int num_estimates_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Notification loading_;
  absl::Notification go_on_;
};

class ScriptedRamLoader final : public Loader {
 public:
  explicit ScriptedRamLoader(Script* script) : script_(script) {}
  absl::Status EstimateResources(ResourceAllocation* estimate) const override {
    return script_->Estimate(estimate);
  }
  absl::Status Load() override { return script_->Load(); }
  void Unload() override {}
  AnyPtr servable() override { return &servable_; }

 private:
  Script* const script_;
  int servable_ = 0;
};

LoaderData MakeVersion(const std::string& name, Script* script) {
  return {{name, 1}, std::make_unique<ScriptedRamLoader>(script)};
}

std::unique_ptr<ResourceTracker> TenUnits() {
  std::unique_ptr<ResourceTracker> tracker;
  EXPECT_TRUE(ResourceTracker::Create(
                  test_util::AllocationOf("main/ram=10"),
                  std::make_unique<ResourceUtil>(ResourceUtil::Options{{{"main", 1}}}), &tracker)
                  .ok());
  return tracker;
}

class LoadGateTest : public ::testing::Test {
 protected:
  void Start(uint32_t num_load_threads, uint32_t max_num_retries = 0,
             int64_t retry_interval_micros = -1) {
    BasicManager::Options options;
    options.resource_tracker = TenUnits();
    options.num_load_threads = num_load_threads;
    options.servable_event_bus = log_.bus();
    options.max_num_load_retries = max_num_retries;
    options.load_retry_interval_micros = retry_interval_micros;
    options.should_retry_model_load = [](absl::Status s) { return !absl::IsNotFound(s); };
    ASSERT_TRUE(BasicManager::Create(std::move(options), &manager_).ok());
  }

  // One load or unload, and what becomes of it.
  class Request {
   public:
    BasicManager::DoneCallback Callback() {
      return [this](const absl::Status& status) {
        status_ = status;
        done_.Notify();
      };
    }
    absl::Status Await() {
      done_.WaitForNotification();
      return status_;
    }

   private:
    absl::Status status_;
    absl::Notification done_;
  };

  void StartLoad(const std::string& name, Script* script, Request* request) {
    ASSERT_TRUE(manager_->ManageServable(MakeVersion(name, script)).ok());
    manager_->LoadServable({name, 1}, request->Callback());
  }
  // `a` loads until it is let go on; `b` fits only without it, and waits.
  void StartTwoOfWhichOneWaits() {
    Start(2);
    a_.HoldLoad();
    StartLoad("a", &a_, &load_a_);
    a_.AwaitLoading();
    StartLoad("b", &b_, &load_b_);
    b_.AwaitEstimates(2);
  }
  absl::Status Load(const std::string& name, Script* script) {
    Request request;
    StartLoad(name, script, &request);
    return request.Await();
  }
  absl::Status Unload(const std::string& name) {
    Request request;
    manager_->UnloadServable({name, 1}, request.Callback());
    return request.Await();
  }
  State StateOf(const std::string& name) {
    return manager_->GetManagedServableStateSnapshot({name, 1})->state;
  }

  EventLog log_;
  Script a_{6};
  Script b_{6};
  Script c_{4};
  Request load_a_, load_b_, load_c_, unload_a_;
  std::unique_ptr<BasicManager> manager_;
};

TEST_F(LoadGateTest, RefusesWhatDoesNotFitBesideWhatIsLoaded) {
  Start(0, /*max_num_retries=*/5);
  EXPECT_TRUE(Load("a", &a_).ok());
  log_.Take();
  EXPECT_EQ(Load("b", &b_), absl::ResourceExhaustedError(
                                "Insufficient resources to load servable {name: b version: 1}"));
  EXPECT_EQ(StateOf("b"), State::kError);
  EXPECT_EQ(b_.num_estimates(), 2);  // not tried again
  EXPECT_THAT(log_.Take(), ElementsAre("b/1 Start", "b/1 End RESOURCE_EXHAUSTED"));
  EXPECT_TRUE(Load("c", &c_).ok());
}

TEST_F(LoadGateTest, GivesBackWhatIsUnloadedOrFailed) {
  Start(0);
  ASSERT_TRUE(Load("a", &a_).ok());
  ASSERT_TRUE(Unload("a").ok());
  b_.LetFail();
  EXPECT_TRUE(absl::IsDataLoss(Load("b", &b_)));
  EXPECT_TRUE(manager_->StopManagingServable({"b", 1}).ok());
  Script again{10};
  EXPECT_TRUE(Load("b", &again).ok());
}

TEST_F(LoadGateTest, AsksNobodyWithoutATracker) {
  BasicManager::Options options;
  ASSERT_TRUE(BasicManager::Create(std::move(options), &manager_).ok());
  EXPECT_TRUE(Load("a", &a_).ok());
  EXPECT_TRUE(Load("b", &b_).ok());
  EXPECT_EQ(a_.num_estimates() + b_.num_estimates(), 0);
}

TEST_F(LoadGateTest, WaitsForALoadThatMayFail) {
  StartTwoOfWhichOneWaits();
  EXPECT_EQ(StateOf("b"), State::kLoadRequested);
  a_.LetFail();
  EXPECT_TRUE(absl::IsDataLoss(load_a_.Await()));
  EXPECT_TRUE(load_b_.Await().ok());
}

TEST_F(LoadGateTest, RefusesWhenTheLoadItWaitedForStays) {
  StartTwoOfWhichOneWaits();
  a_.LetLoad();
  EXPECT_TRUE(absl::IsResourceExhausted(load_b_.Await()));
  EXPECT_TRUE(load_a_.Await().ok());
}

TEST_F(LoadGateTest, SeesThatALoadedServableNeedsLessThanItsLoad) {
  StartTwoOfWhichOneWaits();
  a_.LetLoad(/*needs_then=*/4);
  EXPECT_TRUE(load_b_.Await().ok());
}

TEST_F(LoadGateTest, WaitsForAnUnloadThatWaitsForAHandle) {
  Start(1);
  ASSERT_TRUE(Load("a", &a_).ok());
  ServableHandle<int> handle;
  ASSERT_TRUE(manager_->GetServableHandle(ServableRequest::Latest("a"), &handle).ok());
  manager_->UnloadServable({"a", 1}, unload_a_.Callback());
  StartLoad("b", &b_, &load_b_);
  b_.AwaitEstimates(2);
  handle = ServableHandle<int>();
  EXPECT_TRUE(load_b_.Await().ok());
  EXPECT_TRUE(unload_a_.Await().ok());
}

TEST_F(LoadGateTest, ALoadAskedForByTheEndOfAnUnloadDoesNotWaitForIt) {
  Start(0);
  Script big{10};
  ASSERT_TRUE(Load("a", &a_).ok());
  ASSERT_TRUE(Load("c", &c_).ok());
  absl::Status loaded;
  manager_->UnloadServable({"a", 1}, [&](const absl::Status&) { loaded = Load("b", &big); });
  EXPECT_TRUE(absl::IsResourceExhausted(loaded));
  manager_->UnloadServable({"c", 1}, [&](const absl::Status&) { loaded = Load("d", &big); });
  EXPECT_TRUE(loaded.ok());
}

TEST_F(LoadGateTest, CancellingEndsTheWait) {
  Start(3);
  a_.HoldLoad();
  StartLoad("a", &a_, &load_a_);
  a_.AwaitLoading();
  StartLoad("b", &b_, &load_b_);
  b_.AwaitEstimates(2);
  StartLoad("c", &c_, &load_c_);  // would fit, but it is not its turn
  c_.AwaitEstimates(1);
  manager_->CancelLoadServableRetry({"c", 1});
  EXPECT_TRUE(absl::IsCancelled(load_c_.Await()));
  manager_->CancelLoadServableRetry({"b", 1});
  EXPECT_EQ(load_b_.Await(), absl::CancelledError("Loading of servable cancelled"));
  EXPECT_EQ(StateOf("b"), State::kError);
  a_.LetLoad();
  EXPECT_TRUE(load_a_.Await().ok());
  EXPECT_THAT(log_.Take(), Contains("b/1 End CANCELLED"));
}

TEST_F(LoadGateTest, TheManagersEndEndsTheWait) {
  Start(3);
  a_.HoldLoad();
  StartLoad("a", &a_, &load_a_);
  a_.AwaitLoading();
  StartLoad("b", &b_, &load_b_);
  b_.AwaitEstimates(2);
  StartLoad("c", &c_, &load_c_);
  c_.AwaitEstimates(1);
  std::thread releaser([this] {
    EXPECT_TRUE(absl::IsCancelled(load_b_.Await()));
    EXPECT_TRUE(absl::IsCancelled(load_c_.Await()));
    a_.LetLoad();
  });
  manager_.reset();
  releaser.join();
  EXPECT_TRUE(absl::IsCancelled(load_a_.Await()));
}

TEST_F(LoadGateTest, NoSmallerLoadOvertakesOneThatWaits) {
  Start(3);
  a_.HoldLoad();
  StartLoad("a", &a_, &load_a_);
  a_.AwaitLoading();
  Script big{10};
  StartLoad("b", &big, &load_b_);
  big.AwaitEstimates(2);
  StartLoad("c", &c_, &load_c_);  // would fit beside "a", and then "b" would not
  c_.AwaitEstimates(1);
  a_.LetFail();
  EXPECT_TRUE(load_b_.Await().ok());
  EXPECT_TRUE(absl::IsResourceExhausted(load_c_.Await()));
  manager_.reset();
}

TEST_F(LoadGateTest, ASlowEstimateHoldsUpNobodyElse) {
  Start(2);
  absl::Notification store_answers;
  a_.on_estimate = [&] {
    store_answers.WaitForNotification();
    return absl::OkStatus();
  };
  StartLoad("a", &a_, &load_a_);
  a_.AwaitEstimates(1);
  EXPECT_TRUE(Load("c", &c_).ok());
  store_answers.Notify();
  EXPECT_TRUE(load_a_.Await().ok());
}

TEST_F(LoadGateTest, TriesAFailedEstimateAgain) {
  Start(0, /*max_num_retries=*/2);
  a_.on_estimate = [this] {
    return a_.num_estimates() < 3 ? absl::UnavailableError("busy") : absl::OkStatus();
  };
  EXPECT_TRUE(Load("a", &a_).ok());
  b_.on_estimate = [] { return absl::UnavailableError("busy"); };
  EXPECT_EQ(Load("b", &b_),
            absl::UnavailableError("Error while attempting to reserve resources to load servable "
                                   "{name: b version: 1}: busy"));
  EXPECT_EQ(b_.num_estimates(), 3);
  EXPECT_EQ(StateOf("b"), State::kError);
  EXPECT_THAT(log_.Take(), ElementsAre("a/1 Start", "a/1 Loading", "a/1 Available", "b/1 Start",
                                       "b/1 End UNAVAILABLE"));
}

TEST_F(LoadGateTest, DoesNotTryAgainWhatIsNotWorthItAndTellsAnInvalidEstimate) {
  Start(0, /*max_num_retries=*/5);
  a_.on_estimate = [] { return absl::NotFoundError("gone"); };
  EXPECT_TRUE(absl::IsNotFound(Load("a", &a_)));
  EXPECT_EQ(a_.num_estimates(), 1);
  Start(0);
  class OnDisk final : public Loader {
    absl::Status EstimateResources(ResourceAllocation* estimate) const override {
      *estimate = test_util::AllocationOf("disk/bytes=1");
      return absl::OkStatus();
    }
    void Unload() override {}
    AnyPtr servable() override { return {}; }
  };
  ASSERT_TRUE(manager_->ManageServable({{"d", 1}, std::make_unique<OnDisk>()}).ok());
  Request request;
  manager_->LoadServable({"d", 1}, request.Callback());
  EXPECT_EQ(request.Await(), absl::InvalidArgumentError(
                                 "Error while attempting to reserve resources to load servable "
                                 "{name: d version: 1}: Invalid resource allocation: there is no "
                                 "device \"disk\""));
}

TEST_F(LoadGateTest, CancellingCutsThePauseBetweenEstimatesShort) {
  Start(1, /*max_num_retries=*/5, kOneDayInMicros);
  a_.on_estimate = [] { return absl::UnavailableError("busy"); };
  StartLoad("a", &a_, &load_a_);
  a_.AwaitEstimates(1);
  manager_->CancelLoadServableRetry({"a", 1});
  EXPECT_TRUE(absl::IsUnavailable(load_a_.Await()));
  EXPECT_EQ(a_.num_estimates(), 1);
}

TEST_F(LoadGateTest, WorksInTheManagerOfAspiredVersions) {
  AspiredVersionsManager::Options options;
  options.resource_tracker = TenUnits();
  options.manage_state_interval_micros = 0;
  options.servable_event_bus = log_.bus();
  options.aspired_version_policy = std::make_unique<AvailabilityPreservingPolicy>();
  std::unique_ptr<AspiredVersionsManager> manager;
  ASSERT_TRUE(AspiredVersionsManager::Create(std::move(options), &manager).ok());
  for (auto [name, script] : {std::pair("a", &a_), std::pair("b", &b_)}) {
    std::vector<LoaderData> versions;
    versions.push_back(MakeVersion(name, script));
    manager->GetAspiredVersionsCallback()(name, std::move(versions));
  }
  test_util::AspiredVersionsManagerTestAccess access(manager.get());
  access.HandlePendingAspiredVersionsRequests();
  access.InvokePolicyAndExecuteAction();
  EXPECT_THAT(log_.Take(), ElementsAre("a/1 Start", "b/1 Start", "a/1 Loading", "a/1 Available",
                                       "b/1 End RESOURCE_EXHAUSTED"));
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

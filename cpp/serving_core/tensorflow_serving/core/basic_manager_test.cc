// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/basic_manager.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/test_util/fake_loader.h"
#include "tensorflow_serving/core/test_util/manager_test_util.h"
#include "tensorflow_serving/core/test_util/test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::EventLog;
using test_util::FailWith;
using test_util::MakeVersion;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using State = LoaderHarness::State;

class BasicManagerTest : public ::testing::Test {
 protected:
  BasicManagerTest() { Start(0, 0); }

  void Start(uint32_t num_load_threads, uint32_t num_unload_threads, uint32_t max_num_retries = 0,
             int64_t retry_interval_micros = -1) {
    BasicManager::Options options;
    options.num_load_threads = num_load_threads;
    options.num_unload_threads = num_unload_threads;
    options.servable_event_bus = log_.bus();
    options.max_num_load_retries = max_num_retries;
    options.load_retry_interval_micros = retry_interval_micros;
    options.should_retry_model_load = [](absl::Status s) { return !absl::IsDataLoss(s); };
    options.pre_load_hook = [this](const ServableId&) { ++num_pre_load_hooks_; };
    ASSERT_TRUE(BasicManager::Create(std::move(options), &manager_).ok());
  }

  void Manage(test_util::LoaderData version) {
    ASSERT_TRUE(manager_->ManageServable(std::move(version)).ok());
  }
  absl::Status Load(const ServableId& id) {
    absl::Status result;
    absl::Notification done;
    manager_->LoadServable(id, [&](const absl::Status& status) {
      result = status;
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  }
  absl::Status Unload(const ServableId& id) {
    absl::Status result;
    absl::Notification done;
    manager_->UnloadServable(id, [&](const absl::Status& status) {
      result = status;
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  }
  ServableHandle<int64_t> Get(const ServableRequest& request) {
    ServableHandle<int64_t> handle;
    last_lookup_ = manager_->GetServableHandle(request, &handle);
    return handle;
  }
  State StateOf(const ServableId& id) {
    return manager_->GetManagedServableStateSnapshot(id)->state;
  }

  EventLog log_;
  std::atomic<int> num_pre_load_hooks_{0};
  absl::Status last_lookup_;
  std::unique_ptr<BasicManager> manager_;
};

TEST_F(BasicManagerTest, PublishesEachStepInOrder) {
  Manage(MakeVersion("m", 1));
  EXPECT_TRUE(Load({"m", 1}).ok());
  EXPECT_EQ(StateOf({"m", 1}), State::kReady);
  EXPECT_THAT(log_.Take(), ElementsAre("m/1 Start", "m/1 Loading", "m/1 Available"));
  EXPECT_TRUE(Unload({"m", 1}).ok());
  EXPECT_EQ(StateOf({"m", 1}), State::kDisabled);
  EXPECT_THAT(log_.Take(), ElementsAre("m/1 Unloading", "m/1 End"));
  EXPECT_EQ(num_pre_load_hooks_, 1);
}

TEST_F(BasicManagerTest, LooksUpSpecificEarliestAndLatest) {
  for (const int64_t version : {2, 1, 3}) {
    Manage(MakeVersion("m", version));
    ASSERT_TRUE(Load({"m", version}).ok());
  }
  EXPECT_EQ(*Get(ServableRequest::Specific("m", 2)), 2);
  EXPECT_EQ(*Get(ServableRequest::Earliest("m")), 1);
  EXPECT_EQ(Get(ServableRequest::Latest("m")).id(), (ServableId{"m", 3}));
  EXPECT_FALSE(Get(ServableRequest::Specific("m", 4)));
  EXPECT_EQ(last_lookup_, absl::NotFoundError("Servable not found for request: Specific(m, 4)"));
  EXPECT_FALSE(Get(ServableRequest::Latest("n")));
  EXPECT_EQ(last_lookup_, absl::NotFoundError("Servable not found for request: Latest(n)"));
  EXPECT_EQ(manager_->ListAvailableServableIds().size(), 3);
  EXPECT_EQ(manager_->GetAvailableServableHandles<int64_t>().size(), 3);
  EXPECT_THAT(manager_->GetAvailableServableHandles<std::string>(), IsEmpty());
}

TEST_F(BasicManagerTest, RefusesAHandleOfAnotherType) {
  Manage({{"m", 1}, std::make_unique<test_util::FakeLoader>(42)});
  ASSERT_TRUE(Load({"m", 1}).ok());
  EXPECT_EQ(*Get(ServableRequest::Latest("m")), 42);
  ServableHandle<std::string> handle;
  const absl::Status status = manager_->GetServableHandle(ServableRequest::Latest("m"), &handle);
  EXPECT_EQ(status, absl::InvalidArgumentError("Servable type doesn't match the asked for type."));
}

TEST_F(BasicManagerTest, RefusesWhatDoesNotFitTheState) {
  EXPECT_TRUE(absl::IsNotFound(Load({"m", 1})));
  EXPECT_TRUE(absl::IsNotFound(Unload({"m", 1})));
  EXPECT_TRUE(absl::IsNotFound(manager_->StopManagingServable({"m", 1})));
  Manage(MakeVersion("m", 1));
  EXPECT_TRUE(absl::IsFailedPrecondition(manager_->ManageServable(MakeVersion("m", 1))));
  EXPECT_TRUE(absl::IsFailedPrecondition(Unload({"m", 1})));
  ASSERT_TRUE(Load({"m", 1}).ok());
  EXPECT_THAT(std::string(Load({"m", 1}).message()), HasSubstr("Duplicate load request"));
  EXPECT_TRUE(absl::IsFailedPrecondition(manager_->StopManagingServable({"m", 1})));
  ASSERT_TRUE(Unload({"m", 1}).ok());
  EXPECT_TRUE(manager_->StopManagingServable({"m", 1}).ok());
  EXPECT_THAT(manager_->GetManagedServableNames(), IsEmpty());
  EXPECT_TRUE(absl::IsInvalidArgument(manager_->ManageServable({{"m", 1}, nullptr})));
}

TEST_F(BasicManagerTest, PublishesAnErrorItemAsItsEnd) {
  Manage({{"m", 1}, absl::NotFoundError("gone")});
  EXPECT_THAT(log_.Take(), ElementsAre("m/1 End NOT_FOUND"));
  EXPECT_EQ(StateOf({"m", 1}), State::kError);
}

TEST_F(BasicManagerTest, KeepsAdditionalState) {
  ASSERT_TRUE(manager_
                  ->ManageServableWithAdditionalState(MakeVersion("m", 1),
                                                      std::make_unique<std::string>("mine"))
                  .ok());
  EXPECT_EQ(*manager_->GetAdditionalServableState<std::string>({"m", 1}), "mine");
  EXPECT_EQ(manager_->GetAdditionalServableState<int>({"m", 1}), nullptr);
  const auto snapshots = manager_->GetManagedServableStateSnapshots<std::string>("m");
  ASSERT_EQ(snapshots.size(), 1);
  EXPECT_EQ(*snapshots[0].additional_state, "mine");
}

TEST_F(BasicManagerTest, RetriesAndReportsTheLastError) {
  Start(0, 0, /*max_num_retries=*/2);
  Manage(MakeVersion("m", 1, [](int attempt) {
    return attempt < 3 ? absl::UnavailableError("busy") : absl::OkStatus();
  }));
  EXPECT_TRUE(Load({"m", 1}).ok());
  Manage(MakeVersion("m", 2, [](int attempt) {
    return attempt < 3 ? absl::UnavailableError("busy") : absl::NotFoundError("gone");
  }));
  EXPECT_EQ(Load({"m", 2}), absl::NotFoundError("gone"));
  EXPECT_THAT(log_.Take(), ElementsAre("m/1 Start", "m/1 Loading", "m/1 Available", "m/2 Start",
                                       "m/2 Loading", "m/2 End NOT_FOUND"));
}

TEST_F(BasicManagerTest, DoesNotRetryWhatIsNotWorthIt) {
  Start(0, 0, /*max_num_retries=*/5);
  int attempts = 0;
  Manage(MakeVersion("m", 1, [&](int attempt) {
    attempts = attempt;
    return absl::DataLossError("broken");
  }));
  EXPECT_TRUE(absl::IsDataLoss(Load({"m", 1})));
  EXPECT_EQ(attempts, 1);
}

TEST_F(BasicManagerTest, CancellingCutsThePauseBeforeARetryShort) {
  constexpr int64_t kOneDayInMicros = 24LL * 3600 * 1000 * 1000;
  Start(1, 0, /*max_num_retries=*/5, kOneDayInMicros);
  absl::Notification failed_once;
  Manage(MakeVersion("m", 1, [&](int) {
    failed_once.Notify();
    return absl::UnavailableError("busy");
  }));
  absl::Notification done;
  manager_->LoadServable({"m", 1}, [&](const absl::Status& status) {
    EXPECT_EQ(status, absl::UnavailableError("busy"));
    done.Notify();
  });
  failed_once.WaitForNotification();
  manager_->CancelLoadServableRetry({"m", 1});
  done.WaitForNotification();
  EXPECT_THAT(log_.Take(), ElementsAre("m/1 Start", "m/1 Loading", "m/1 End UNAVAILABLE"));
}

TEST_F(BasicManagerTest, UnloadsACancelledLoadAtOnce) {
  bool unloaded = false;
  Manage(MakeVersion(
      "m", 1,
      [&](int) {
        manager_->CancelLoadServableRetry({"m", 1});
        return absl::OkStatus();
      },
      [&] { unloaded = true; }));
  EXPECT_EQ(Load({"m", 1}), absl::CancelledError("Loading of servable cancelled"));
  EXPECT_TRUE(unloaded);
  EXPECT_EQ(StateOf({"m", 1}), State::kDisabled);
  EXPECT_THAT(log_.Take(), ElementsAre("m/1 Start", "m/1 Loading", "m/1 End CANCELLED"));
}

TEST_F(BasicManagerTest, LoadsInParallelWithThreads) {
  Start(2, 2);
  absl::Barrier* const both = new absl::Barrier(2);
  const auto load = [both](int) {
    if (both->Block()) delete both;
    return absl::OkStatus();
  };
  absl::Notification done[2];
  for (const int64_t version : {0, 1}) {
    Manage(MakeVersion("m", version, load));
    manager_->LoadServable({"m", version}, [&done, version](const absl::Status& status) {
      EXPECT_TRUE(status.ok());
      done[version].Notify();
    });
  }
  for (absl::Notification& n : done) n.WaitForNotification();
}

TEST_F(BasicManagerTest, UnloadWaitsForItsOwnHandlesAndForNoOthers) {
  for (const uint32_t num_unload_threads : {0, 1}) {
    Start(0, num_unload_threads);
    for (const char* const name : {"a", "b"}) {
      Manage(MakeVersion(name, 1));
      ASSERT_TRUE(Load({name, 1}).ok());
    }
    ServableHandle<int64_t> handle = Get(ServableRequest::Latest("a"));
    std::atomic<bool> released{false};
    absl::Notification a_unloaded;
    manager_->UnloadServable({"a", 1}, [&](const absl::Status& status) {
      EXPECT_TRUE(status.ok());
      EXPECT_TRUE(released);
      a_unloaded.Notify();
    });
    EXPECT_TRUE(Unload({"b", 1}).ok());
    Manage(MakeVersion("c", 1));
    EXPECT_TRUE(Load({"c", 1}).ok());
    EXPECT_FALSE(Get(ServableRequest::Latest("a")));
    EXPECT_EQ(*handle, 1);
    released = true;
    handle = ServableHandle<int64_t>();
    a_unloaded.WaitForNotification();
  }
}

TEST_F(BasicManagerTest, DestructionWaitsForHandlesAndUnloadsSilently) {
  std::atomic<bool> released{false};
  bool unloaded = false;
  Manage(MakeVersion("m", 1, nullptr, [&] {
    EXPECT_TRUE(released);
    unloaded = true;
  }));
  ASSERT_TRUE(Load({"m", 1}).ok());
  log_.Take();
  ServableHandle<int64_t> handle = Get(ServableRequest::Latest("m"));
  std::thread holder([&] {
    released = true;
    handle = ServableHandle<int64_t>();
  });
  manager_.reset();
  holder.join();
  EXPECT_TRUE(unloaded);
  EXPECT_THAT(log_.Take(), IsEmpty());
}

TEST_F(BasicManagerTest, DestructionStopsRetries) {
  constexpr int64_t kOneDayInMicros = 24LL * 3600 * 1000 * 1000;
  Start(1, 0, /*max_num_retries=*/5, kOneDayInMicros);
  absl::Notification failed_once;
  Manage(MakeVersion("m", 1, [&](int) {
    failed_once.Notify();
    return absl::UnavailableError("busy");
  }));
  int attempts = 0;
  Manage(MakeVersion("m", 2, [&](int attempt) {
    attempts = attempt;
    return absl::OkStatus();
  }));
  manager_->LoadServable({"m", 1}, [](const absl::Status&) {});
  manager_->LoadServable({"m", 2},
                         [](const absl::Status& s) { EXPECT_TRUE(absl::IsCancelled(s)); });
  failed_once.WaitForNotification();
  manager_.reset();
  EXPECT_EQ(attempts, 0);
}

TEST_F(BasicManagerTest, ChangesTheNumberOfLoadThreads) {
  test_util::BasicManagerTestAccess access(manager_.get());
  EXPECT_EQ(access.num_load_threads(), 0);
  access.SetNumLoadThreads(3);
  EXPECT_EQ(access.num_load_threads(), 3);
  Manage(MakeVersion("m", 1));
  absl::Notification loading;
  absl::Notification go_on;
  Manage(MakeVersion("m", 2, [&](int) {
    loading.Notify();
    go_on.WaitForNotification();
    return absl::OkStatus();
  }));
  std::atomic<int> num_loaded{0};
  manager_->LoadServable({"m", 2}, [&](const absl::Status&) { ++num_loaded; });
  loading.WaitForNotification();
  std::thread releaser([&] { go_on.Notify(); });
  access.SetNumLoadThreads(0);
  EXPECT_EQ(num_loaded, 1);
  manager_->LoadServable({"m", 1}, [&](const absl::Status&) { ++num_loaded; });
  EXPECT_EQ(num_loaded, 2);
  releaser.join();
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

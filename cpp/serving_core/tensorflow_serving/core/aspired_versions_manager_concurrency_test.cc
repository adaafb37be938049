// SPDX-License-Identifier: Apache-2.0
// Tests of the manager with its own threads. Its interval is an hour, so that whatever happens here
// happens because of an event.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/servable_state_monitor.h"
#include "tensorflow_serving/core/test_util/test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::EventLog;
using test_util::ListOf;
using test_util::LoaderData;
using test_util::MakeVersion;
using ManagerState = ServableState::ManagerState;
using ::testing::ElementsAre;

constexpr int64_t kOneHourInMicros = 3600LL * 1000 * 1000;

class ManagerThreadsTest : public ::testing::Test {
 protected:
  void Start(uint32_t num_load_threads, uint32_t num_unload_threads) {
    AspiredVersionsManager::Options options;
    options.manage_state_interval_micros = kOneHourInMicros;
    options.servable_event_bus = log_.bus();
    options.aspired_version_policy = std::make_unique<AvailabilityPreservingPolicy>();
    options.num_load_threads = num_load_threads;
    options.num_unload_threads = num_unload_threads;
    options.load_retry_interval_micros = kOneHourInMicros;
    ASSERT_TRUE(AspiredVersionsManager::Create(std::move(options), &manager_).ok());
  }
  void Aspire(const std::string& name, std::vector<LoaderData> versions) {
    manager_->GetAspiredVersionsCallback()(name, std::move(versions));
  }
  void Await(const ServableId& id, ManagerState state) {
    EXPECT_TRUE(monitor_.WaitUntilServablesReachState({ServableRequest::FromId(id)}, state)) << id;
  }
  ServableHandle<int64_t> Get(const ServableRequest& request) {
    ServableHandle<int64_t> handle;
    const absl::Status status = manager_->GetServableHandle(request, &handle);
    return status.ok() ? std::move(handle) : ServableHandle<int64_t>();
  }

  EventLog log_;
  ServableStateMonitor monitor_{log_.bus()};
  std::unique_ptr<AspiredVersionsManager> manager_;
};

TEST_F(ManagerThreadsTest, SwapsVersionsWithoutASingleMissUnderLookups) {
  Start(2, 2);
  Aspire("m", ListOf(MakeVersion("m", 1)));
  Await({"m", 1}, ManagerState::kAvailable);
  std::atomic<bool> done{false};
  std::atomic<int> num_misses{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (!done) {
        const ServableHandle<int64_t> handle = Get(ServableRequest::Latest("m"));
        // The servable is -1 once it is unloaded.
        if (!handle || *handle != handle.id().version) ++num_misses;
      }
    });
  }
  for (int64_t version = 2; version <= 50; ++version) {
    Aspire("m", ListOf(MakeVersion("m", version)));
    Await({"m", version}, ManagerState::kAvailable);
    Await({"m", version - 1}, ManagerState::kEnd);
  }
  done = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(num_misses, 0);
}

TEST_F(ManagerThreadsTest, LoadsDifferentModelsAndVersionsAtTheSameTime) {
  Start(3, 0);
  absl::Barrier* const all = new absl::Barrier(3);
  const auto load = [all](int) {
    if (all->Block()) delete all;
    return absl::OkStatus();
  };
  Aspire("a", ListOf(MakeVersion("a", 1, load), MakeVersion("a", 2, load)));
  Aspire("b", ListOf(MakeVersion("b", 1, load)));
  Await({"a", 1}, ManagerState::kAvailable);
  Await({"a", 2}, ManagerState::kAvailable);
  Await({"b", 1}, ManagerState::kAvailable);
}

TEST_F(ManagerThreadsTest, AHeldHandleStallsNobodyElse) {
  for (const uint32_t num_unload_threads : {0, 1}) {
    manager_.reset();
    monitor_.ForgetUnloadedServableStates();
    Start(0, num_unload_threads);
    Aspire("a", ListOf(MakeVersion("a", 1)));
    Await({"a", 1}, ManagerState::kAvailable);
    ServableHandle<int64_t> handle = Get(ServableRequest::Latest("a"));
    Aspire("a", {});
    Await({"a", 1}, ManagerState::kUnloading);
    Aspire("b", ListOf(MakeVersion("b", 1)));
    Await({"b", 1}, ManagerState::kAvailable);
    Aspire("b", {});
    Await({"b", 1}, ManagerState::kEnd);
    EXPECT_EQ(*handle, 1);
    EXPECT_EQ(monitor_.GetState({"a", 1})->manager_state, ManagerState::kUnloading);
    handle = ServableHandle<int64_t>();
    Await({"a", 1}, ManagerState::kEnd);
  }
}

TEST_F(ManagerThreadsTest, UnaspiringCancelsALoadUnderWay) {
  Start(1, 0);
  absl::Notification loading;
  absl::Notification go_on;
  Aspire("m", ListOf(MakeVersion("m", 1, [&](int) {
           loading.Notify();
           go_on.WaitForNotification();
           return absl::OkStatus();
         })));
  loading.WaitForNotification();
  // The list of "n" is acted upon together with or after that of "m".
  Aspire("m", {});
  Aspire("n", ListOf(LoaderData({"n", 1}, absl::InternalError("marks the moment"))));
  Await({"n", 1}, ManagerState::kEnd);
  go_on.Notify();
  Await({"m", 1}, ManagerState::kEnd);
  EXPECT_EQ(monitor_.GetState({"m", 1})->health,
            absl::CancelledError("Loading of servable cancelled"));
}

TEST_F(ManagerThreadsTest, ReaspiringALoadUnderWayLetsItFinish) {
  Start(1, 0);
  absl::Notification loading;
  absl::Notification go_on;
  Aspire("m", ListOf(MakeVersion("m", 1, [&](int) {
           loading.Notify();
           go_on.WaitForNotification();
           return absl::OkStatus();
         })));
  loading.WaitForNotification();
  const auto mark = [](int64_t version) {
    return ListOf(LoaderData({"n", version}, absl::InternalError("marks the moment")));
  };
  Aspire("m", {});
  Aspire("n", mark(1));
  Await({"n", 1}, ManagerState::kEnd);
  Aspire("m", ListOf(MakeVersion("m", 1)));
  Aspire("n", mark(2));
  Await({"n", 2}, ManagerState::kEnd);
  go_on.Notify();
  Await({"m", 1}, ManagerState::kAvailable);
}

TEST_F(ManagerThreadsTest, AVersionUnaspiredBeforeItsTurnIsNotLoaded) {
  Start(1, 0);
  absl::Notification loading;
  absl::Notification go_on;
  Aspire("a", ListOf(MakeVersion("a", 1, [&](int) {
           loading.Notify();
           go_on.WaitForNotification();
           return absl::OkStatus();
         })));
  loading.WaitForNotification();
  std::atomic<int> loads{0};
  Aspire("m", ListOf(MakeVersion("m", 1, [&](int) {
           ++loads;
           return absl::OkStatus();
         })));
  Aspire("n", ListOf(LoaderData({"n", 1}, absl::InternalError("marks the moment"))));
  Await({"n", 1}, ManagerState::kEnd);
  Aspire("m", {});
  Aspire("n", ListOf(LoaderData({"n", 2}, absl::InternalError("marks the moment"))));
  Await({"n", 2}, ManagerState::kEnd);
  go_on.Notify();
  Await({"a", 1}, ManagerState::kAvailable);
  manager_.reset();
  EXPECT_EQ(loads, 0);
}

TEST_F(ManagerThreadsTest, EndsWhileALoadWaitsForItsRetry) {
  for (const uint32_t num_load_threads : {0, 1}) {
    Start(num_load_threads, 0);
    absl::Notification failed_once;
    Aspire("m", ListOf(MakeVersion("m", 1, [&](int) {
             failed_once.Notify();
             return absl::UnavailableError("busy");
           })));
    failed_once.WaitForNotification();
    manager_.reset();
  }
}

TEST_F(ManagerThreadsTest, AFailedVersionThatIsDroppedAndListedAgainLoads) {
  Start(1, 1);
  Aspire("m", ListOf(MakeVersion("m", 1), LoaderData({"m", 2}, absl::InternalError("bad item"))));
  Await({"m", 1}, ManagerState::kAvailable);
  Await({"m", 2}, ManagerState::kEnd);
  Aspire("m", ListOf(MakeVersion("m", 1)));
  Aspire("n", ListOf(LoaderData({"n", 1}, absl::InternalError("marks the moment"))));
  Await({"n", 1}, ManagerState::kEnd);
  Aspire("m", ListOf(MakeVersion("m", 1), MakeVersion("m", 2)));
  log_.Await("m/2 Available");
}

TEST_F(ManagerThreadsTest, RelistingDuringAnUnloadBringsTheVersionBack) {
  Start(1, 1);
  Aspire("m", ListOf(MakeVersion("m", 1)));
  Await({"m", 1}, ManagerState::kAvailable);
  absl::Notification unloading;
  absl::Notification go_on;
  Aspire("m", ListOf(MakeVersion("m", 2, nullptr, [&] {
           unloading.Notify();
           go_on.WaitForNotification();
         })));
  Await({"m", 1}, ManagerState::kEnd);
  Aspire("m", {});
  unloading.WaitForNotification();
  log_.Take();
  Aspire("m", ListOf(MakeVersion("m", 2)));
  go_on.Notify();
  log_.Await("m/2 Available");
  EXPECT_EQ(*Get(ServableRequest::Latest("m")), 2);
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

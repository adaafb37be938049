// SPDX-License-Identifier: Apache-2.0
// Cancelling, and the manager's end, in every state that a servable may be in.
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/basic_manager.h"
#include "tensorflow_serving/core/test_util/test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::EventLog;
using test_util::FailWith;
using test_util::MakeVersion;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using State = LoaderHarness::State;

// Something that begins, and goes on when the test says so.
class Pause {
 public:
  void Reach() {
    reached_.Notify();
    go_on_.WaitForNotification();
  }
  void AwaitReached() { reached_.WaitForNotification(); }
  void GoOn() { go_on_.Notify(); }

 private:
  absl::Notification reached_;
  absl::Notification go_on_;
};

class LifecycleTest : public ::testing::Test {
 protected:
  void Start(uint32_t num_load_threads, uint32_t num_unload_threads) {
    BasicManager::Options options;
    options.num_load_threads = num_load_threads;
    options.num_unload_threads = num_unload_threads;
    options.servable_event_bus = log_.bus();
    options.max_num_load_retries = 1;
    options.load_retry_interval_micros = 24LL * 3600 * 1000 * 1000;
    options.should_retry_model_load = absl::IsUnavailable;
    options.pre_load_hook = [this](const ServableId& id) {
      if (hook_ && id.name == "m") hook_();
    };
    ASSERT_TRUE(BasicManager::Create(std::move(options), &manager_).ok());
  }

  // Version 1 of "m" counts its loads and unloads.
  void Manage(std::function<absl::Status(int)> load = nullptr,
              std::function<void()> unload = nullptr) {
    const auto counting_load = [this, load](int attempt) {
      const absl::Status status = load ? load(attempt) : absl::OkStatus();
      if (status.ok()) ++num_loads_;
      return status;
    };
    const auto counting_unload = [this, unload] {
      ++num_unloads_;
      if (unload) unload();
    };
    ASSERT_TRUE(manager_->ManageServable(MakeVersion("m", 1, counting_load, counting_unload)).ok());
  }
  // A load, on a thread of its own, that waits for its retry until the manager's end has begun: it
  // is the last one to be cancelled then.
  void LoadLookout() {
    absl::Notification failed;
    ASSERT_TRUE(manager_
                    ->ManageServable(MakeVersion("the last one", 1,
                                                 [&failed](int) {
                                                   failed.Notify();
                                                   return absl::UnavailableError("not yet");
                                                 }))
                    .ok());
    manager_->LoadServable({"the last one", 1}, [this](const absl::Status&) { end_.Notify(); });
    failed.WaitForNotification();
  }
  // Keeps the one load thread, or the one unload thread, busy.
  void OccupyLoadThread(Pause* pause) {
    const auto load = [pause](int) {
      pause->Reach();
      return absl::OkStatus();
    };
    ASSERT_TRUE(manager_->ManageServable(MakeVersion("other", 1, load)).ok());
    manager_->LoadServable({"other", 1}, [](const absl::Status&) {});
    pause->AwaitReached();
  }
  void OccupyUnloadThread(Pause* pause) {
    ASSERT_TRUE(
        manager_->ManageServable(MakeVersion("other", 1, nullptr, [pause] { pause->Reach(); }))
            .ok());
    manager_->LoadServable({"other", 1}, [this](const absl::Status&) {
      manager_->UnloadServable({"other", 1}, [](const absl::Status&) {});
    });
    pause->AwaitReached();
  }

  void Load() {
    manager_->LoadServable({"m", 1}, [this](const absl::Status& status) {
      load_status_ = status;
      load_done_.Notify();
    });
  }
  void LoadNow() {
    Load();
    load_done_.WaitForNotification();
    ASSERT_TRUE(load_status_.ok()) << load_status_;
  }
  void Unload() {
    manager_->UnloadServable({"m", 1}, [this](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      unload_done_.Notify();
    });
  }
  void Cancel() { manager_->CancelLoadServableRetry({"m", 1}); }
  State StateOfM() { return manager_->GetManagedServableStateSnapshot({"m", 1})->state; }
  ServableHandle<int64_t> Get() {
    ServableHandle<int64_t> handle;
    EXPECT_TRUE(manager_->GetServableHandle(ServableRequest::Latest("m"), &handle).ok());
    return handle;
  }
  // The manager's end, with `meanwhile` on another thread.
  void End(const std::function<void()>& meanwhile) {
    std::thread other(meanwhile);
    manager_.reset();
    other.join();
    EXPECT_EQ(num_loads_, num_unloads_);
  }

  void EndBeforeThePauseIsOver() {
    End([this] {
      end_.WaitForNotification();
      pause_.GoOn();
    });
  }

  EventLog log_;
  std::function<void()> hook_;
  absl::Notification end_;
  std::atomic<int> num_loads_{0};
  std::atomic<int> num_unloads_{0};
  absl::Status load_status_;
  absl::Notification load_done_;
  absl::Notification unload_done_;
  Pause pause_;
  std::unique_ptr<BasicManager> manager_;
};

TEST_F(LifecycleTest, EndsWithServablesThatAreNewFailedOrOver) {
  Start(0, 0);
  Manage();
  ASSERT_TRUE(manager_->ManageServable({{"n", 1}, absl::InternalError("bad item")}).ok());
  ASSERT_TRUE(manager_->ManageServable(MakeVersion("o", 1)).ok());
  manager_->LoadServable({"o", 1}, [](const absl::Status&) {});
  manager_->UnloadServable({"o", 1}, [](const absl::Status&) {});
  log_.Take();
  End([] {});
  EXPECT_EQ(num_loads_, 0);
  EXPECT_THAT(log_.Take(), IsEmpty());
}

TEST_F(LifecycleTest, EndsWhileALoadWaitsForAThread) {
  Start(2, 0);
  LoadLookout();
  OccupyLoadThread(&pause_);
  Manage();
  Load();
  EXPECT_EQ(StateOfM(), State::kLoadRequested);
  EndBeforeThePauseIsOver();
  EXPECT_TRUE(absl::IsCancelled(load_status_));
  EXPECT_EQ(num_loads_, 0);
}

TEST_F(LifecycleTest, EndsAlthoughTheEndOfALoadAsksForAnother) {
  Start(1, 0);
  Manage();
  absl::Notification failed;
  const auto fail = [&failed](int) {
    failed.Notify();
    return absl::UnavailableError("not yet");
  };
  ASSERT_TRUE(manager_->ManageServable(MakeVersion("n", 1, fail)).ok());
  BasicManager* const manager = manager_.get();
  manager->LoadServable({"n", 1}, [this, manager](const absl::Status&) {
    manager->LoadServable({"m", 1}, [this](const absl::Status& status) { load_status_ = status; });
  });
  failed.WaitForNotification();
  End([] {});
  EXPECT_TRUE(absl::IsCancelled(load_status_));
  EXPECT_EQ(num_loads_, 0);
}

TEST_F(LifecycleTest, EndsWhileTheHookBeforeALoadRuns) {
  Start(2, 0);
  LoadLookout();
  hook_ = [this] { pause_.Reach(); };
  Manage();
  Load();
  pause_.AwaitReached();
  EXPECT_EQ(StateOfM(), State::kLoadApproved);
  EndBeforeThePauseIsOver();
  EXPECT_TRUE(absl::IsCancelled(load_status_));
}

TEST_F(LifecycleTest, EndsDuringALoad) {
  Start(2, 0);
  LoadLookout();
  Manage([this](int) {
    pause_.Reach();
    return absl::OkStatus();
  });
  Load();
  pause_.AwaitReached();
  EXPECT_EQ(StateOfM(), State::kLoading);
  log_.Take();
  EndBeforeThePauseIsOver();
  EXPECT_TRUE(absl::IsCancelled(load_status_));
  EXPECT_EQ(num_loads_, 1);
  EXPECT_THAT(log_.Take(),
              UnorderedElementsAre("m/1 End CANCELLED", "the last one/1 End UNAVAILABLE"));
}

TEST_F(LifecycleTest, EndsDuringALoadThatFails) {
  Start(2, 0);
  LoadLookout();
  Manage([this](int) {
    pause_.Reach();
    return absl::UnavailableError("worth a retry, but not now");
  });
  Load();
  pause_.AwaitReached();
  EndBeforeThePauseIsOver();
  EXPECT_TRUE(absl::IsUnavailable(load_status_));
}

TEST_F(LifecycleTest, EndsWhileAServableIsReadyWithAndWithoutHandles) {
  for (const bool with_handle : {false, true}) {
    Start(0, 0);
    ASSERT_TRUE(manager_->ManageServable(MakeVersion("m", 1)).ok());
    manager_->LoadServable({"m", 1}, [](const absl::Status&) {});
    ServableHandle<int64_t> handle;
    if (with_handle) handle = Get();
    End([&handle] {
      if (handle) {
        EXPECT_EQ(*handle, 1);
      }
      handle = ServableHandle<int64_t>();
    });
  }
}

TEST_F(LifecycleTest, EndsWhileAnUnloadWaitsForAThread) {
  Start(0, 1);
  OccupyUnloadThread(&pause_);
  Manage();
  LoadNow();
  Unload();
  EXPECT_EQ(StateOfM(), State::kUnloadRequested);
  End([this] { pause_.GoOn(); });
  EXPECT_TRUE(unload_done_.HasBeenNotified());
}

TEST_F(LifecycleTest, EndsWhileAnUnloadWaitsForAHandle) {
  for (const uint32_t num_unload_threads : {0, 1}) {
    Start(0, num_unload_threads);
    ASSERT_TRUE(manager_->ManageServable(MakeVersion("m", 1)).ok());
    manager_->LoadServable({"m", 1}, [](const absl::Status&) {});
    ServableHandle<int64_t> handle = Get();
    std::atomic<bool> unloaded{false};
    manager_->UnloadServable({"m", 1}, [&](const absl::Status&) { unloaded = true; });
    End([&] {
      EXPECT_FALSE(unloaded);
      EXPECT_EQ(*handle, 1);
      handle = ServableHandle<int64_t>();
    });
    EXPECT_TRUE(unloaded);
  }
}

TEST_F(LifecycleTest, EndsDuringAnUnload) {
  Start(0, 1);
  Manage(nullptr, [this] { pause_.Reach(); });
  LoadNow();
  Unload();
  pause_.AwaitReached();
  EXPECT_EQ(StateOfM(), State::kUnloading);
  End([this] { pause_.GoOn(); });
  EXPECT_TRUE(unload_done_.HasBeenNotified());
}

TEST_F(LifecycleTest, ALoadCancelledBeforeItIsAskedForDoesNotBegin) {
  Start(0, 0);
  Manage();
  Cancel();
  EXPECT_EQ(StateOfM(), State::kNew);
  Load();
  EXPECT_EQ(load_status_, absl::CancelledError("Loading of servable cancelled"));
  EXPECT_EQ(num_loads_, 0);
  EXPECT_EQ(StateOfM(), State::kError);
  EXPECT_THAT(log_.Take(), ElementsAre("m/1 Start", "m/1 End CANCELLED"));
}

TEST_F(LifecycleTest, ALoadCancelledWhileItWaitsForAThreadDoesNotBegin) {
  Start(1, 0);
  OccupyLoadThread(&pause_);
  Manage();
  Load();
  Cancel();
  pause_.GoOn();
  load_done_.WaitForNotification();
  EXPECT_TRUE(absl::IsCancelled(load_status_));
  EXPECT_EQ(num_loads_, 0);
  EXPECT_THAT(log_.Take(), Not(Contains("m/1 Loading")));
}

TEST_F(LifecycleTest, ALoadCancelledInItsHookIsUnloadedAtOnce) {
  Start(0, 0);
  hook_ = [this] { Cancel(); };
  Manage();
  Load();
  EXPECT_TRUE(absl::IsCancelled(load_status_));
  EXPECT_EQ(num_unloads_, 1);
  EXPECT_EQ(StateOfM(), State::kDisabled);
}

TEST_F(LifecycleTest, CancellingConcernsNothingThatIsReady) {
  Start(0, 0);
  Manage();
  LoadNow();
  Cancel();
  EXPECT_EQ(StateOfM(), State::kReady);
  EXPECT_EQ(*Get(), 1);
  Unload();
  EXPECT_EQ(StateOfM(), State::kDisabled);
}

TEST_F(LifecycleTest, CancellingConcernsNoUnloadAndNothingThatIsOver) {
  Start(0, 1);
  Manage(nullptr, [this] { pause_.Reach(); });
  LoadNow();
  ServableHandle<int64_t> handle = Get();
  Unload();
  Cancel();  // waits for the handle, or is about to
  handle = ServableHandle<int64_t>();
  pause_.AwaitReached();
  Cancel();  // unloading
  pause_.GoOn();
  unload_done_.WaitForNotification();
  Cancel();  // over
  manager_->CancelLoadServableRetry({"never heard of", 1});
  EXPECT_EQ(StateOfM(), State::kDisabled);
  EXPECT_THAT(log_.Take(),
              ElementsAre("m/1 Start", "m/1 Loading", "m/1 Available", "m/1 Unloading", "m/1 End"));
}

TEST_F(LifecycleTest, AFailedLoadStaysAsItIs) {
  Start(0, 0);
  Manage(FailWith(absl::DataLossError("truncated")));
  Load();
  Cancel();
  EXPECT_TRUE(absl::IsDataLoss(load_status_));
  EXPECT_EQ(StateOfM(), State::kError);
  EXPECT_EQ(num_unloads_, 0);
}

// Asked what it is for the third event, "Available", it answers when the test says so.
class LoaderWithALongAnswer final : public test_util::ScriptedLoader {
 public:
  explicit LoaderWithALongAnswer(Pause* pause) : pause_(pause) {}

  ServableModelType model_type() const override {
    if (++num_asked_ == 3) pause_->Reach();
    return ServableModelType::kUnspecified;
  }

 private:
  Pause* const pause_;
  mutable std::atomic<int> num_asked_{0};
};

TEST_F(LifecycleTest, AnUnloadBeginsAfterTheEndOfTheLoadWasTold) {
  Start(1, 0);
  ASSERT_TRUE(manager_
                  ->ManageServable(test_util::LoaderData(
                      {"m", 1}, std::make_unique<LoaderWithALongAnswer>(&pause_)))
                  .ok());
  Load();
  pause_.AwaitReached();
  EXPECT_TRUE(Get());
  std::thread other([this] {
    while (StateOfM() == State::kLoading) std::this_thread::yield();
    pause_.GoOn();
  });
  Unload();
  other.join();
  unload_done_.WaitForNotification();
  load_done_.WaitForNotification();
  EXPECT_THAT(log_.Take(),
              ElementsAre("m/1 Start", "m/1 Loading", "m/1 Available", "m/1 Unloading", "m/1 End"));
}

TEST_F(LifecycleTest, AServableIsEitherLoadedOrForgotten) {
  Start(0, 0);
  for (int64_t version = 1; version <= 200; ++version) {
    const ServableId id{"n", version};
    ASSERT_TRUE(manager_->ManageServable(MakeVersion("n", version)).ok());
    std::atomic<bool> go{false};
    bool forgotten = false;
    std::thread other([&] {
      go = true;
      forgotten = manager_->StopManagingServable(id).ok();
    });
    while (!go) std::this_thread::yield();
    bool loaded = false;
    manager_->LoadServable(id, [&](const absl::Status& status) { loaded = status.ok(); });
    other.join();
    ASSERT_NE(loaded, forgotten);
  }
}

TEST_F(LifecycleTest, TheLastOfManyHandlesLetsTheUnloadGoOn) {
  Start(0, 1);
  Manage();
  LoadNow();
  std::vector<ServableHandle<int64_t>> handles;
  for (int i = 0; i < 10; ++i) handles.push_back(Get());
  auto all = manager_->GetAvailableServableHandles<int64_t>();
  handles.push_back(std::move(all.begin()->second));
  all.clear();
  Unload();
  log_.Await("m/1 Unloading");
  while (handles.size() > 1) {
    handles.pop_back();
    EXPECT_EQ(num_unloads_, 0);
    EXPECT_EQ(*handles.front(), 1);
  }
  ServableHandle<int64_t> moved = std::move(handles.front());
  handles.clear();
  EXPECT_EQ(num_unloads_, 0);
  EXPECT_FALSE(unload_done_.HasBeenNotified());
  std::thread([&moved] { moved = ServableHandle<int64_t>(); }).join();
  unload_done_.WaitForNotification();
  EXPECT_EQ(num_unloads_, 1);
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

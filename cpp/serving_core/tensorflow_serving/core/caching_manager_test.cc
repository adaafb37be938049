// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/caching_manager.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/test_util/fake_loader_source_adapter.h"
#include "tensorflow_serving/core/test_util/test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::EventLog;
using test_util::LoaderData;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Versions 3 (earliest) and 8 (latest); every loader does what the test says.
class ScriptedFactory final : public CachingManager::LoaderFactory {
 public:
  LoaderData CreateLoader(const ServableId& id) override {
    ++num_created;
    if (!item_error.ok()) return LoaderData(id, item_error);
    return test_util::MakeVersion(
        rename_to.empty() ? id.name : rename_to, id.version,
        [this](int attempt) { return load ? load(attempt) : absl::OkStatus(); });
  }
  int64_t GetServableVersion(const std::string&,
                             ServableRequest::AutoVersionPolicy policy) const override {
    return policy == ServableRequest::AutoVersionPolicy::kEarliest ? 3 : 8;
  }

  std::atomic<int> num_created{0};
  std::function<absl::Status(int attempt)> load;
  absl::Status item_error;
  std::string rename_to;
};

class CachingManagerTest : public ::testing::TestWithParam<int> {
 protected:
  CachingManagerTest() {
    auto factory = std::make_unique<ScriptedFactory>();
    factory_ = factory.get();
    CachingManager::Options options;
    options.num_load_threads = GetParam();
    options.num_unload_threads = GetParam();
    options.servable_event_bus = log_.bus();
    options.max_num_load_retries = 1;
    options.load_retry_interval_micros = -1;
    EXPECT_TRUE(CachingManager::Create(std::move(options), std::move(factory), &manager_).ok());
  }

  // The version, or the error.
  std::string Look(const ServableRequest& request) {
    ServableHandle<int64_t> handle;
    const absl::Status status = manager_->GetServableHandle(request, &handle);
    return status.ok() ? std::to_string(*handle) : status.ToString();
  }

  EventLog log_;
  ScriptedFactory* factory_;
  std::unique_ptr<CachingManager> manager_;
};

INSTANTIATE_TEST_SUITE_P(LoadThreads, CachingManagerTest, ::testing::Values(0, 2));

TEST_P(CachingManagerTest, LoadsWhatIsAskedForOnceAndKeepsIt) {
  EXPECT_EQ(Look(ServableRequest::Specific("m", 5)), "5");
  EXPECT_EQ(Look(ServableRequest::Specific("m", 5)), "5");
  EXPECT_EQ(factory_->num_created, 1);
  EXPECT_THAT(log_.Take(), ElementsAre("m/5 Start", "m/5 Loading", "m/5 Available"));
}

TEST_P(CachingManagerTest, AsksTheFactoryWhichVersionIsMeant) {
  EXPECT_EQ(Look(ServableRequest::Specific("m", 9)), "9");
  EXPECT_EQ(Look(ServableRequest::Earliest("m")), "3");
  EXPECT_EQ(Look(ServableRequest::Latest("m")), "8");
  EXPECT_THAT(manager_->ListAvailableServableIds(),
              UnorderedElementsAre(ServableId{"m", 3}, ServableId{"m", 8}, ServableId{"m", 9}));
  EXPECT_EQ(manager_->GetAvailableServableHandles<int64_t>().size(), 3);
}

TEST_P(CachingManagerTest, LoadsOnceForAllWhoAskAtTheSameTime) {
  absl::Notification loading;
  absl::Notification go_on;
  factory_->load = [&](int) {
    loading.Notify();
    go_on.WaitForNotification();
    return absl::OkStatus();
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { EXPECT_EQ(Look(ServableRequest::Specific("m", 5)), "5"); });
  }
  loading.WaitForNotification();
  go_on.Notify();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(factory_->num_created, 1);
}

TEST_P(CachingManagerTest, OneLoadDoesNotKeepOthersWaiting) {
  absl::Notification loading;
  absl::Notification go_on;
  std::atomic<bool> is_first{true};
  factory_->load = [&](int) {
    if (is_first.exchange(false)) {
      loading.Notify();
      go_on.WaitForNotification();
    }
    return absl::OkStatus();
  };
  std::thread slow([&] { EXPECT_EQ(Look(ServableRequest::Specific("slow", 1)), "1"); });
  loading.WaitForNotification();
  EXPECT_EQ(Look(ServableRequest::Specific("quick", 2)), "2");
  go_on.Notify();
  slow.join();
}

TEST_P(CachingManagerTest, TellsWhyALoadFailedAndTriesAgainAtTheNextRequest) {
  factory_->load = [](int) { return absl::DataLossError("torn"); };
  EXPECT_EQ(Look(ServableRequest::Specific("m", 5)), "DATA_LOSS: torn");
  EXPECT_THAT(log_.Take(), ElementsAre("m/5 Start", "m/5 Loading", "m/5 End DATA_LOSS"));
  factory_->load = [](int attempt) {
    return attempt == 1 ? absl::UnavailableError("not yet") : absl::OkStatus();
  };
  EXPECT_EQ(Look(ServableRequest::Specific("m", 5)), "5");
}

TEST_P(CachingManagerTest, HandsTheFactorysErrorOn) {
  factory_->item_error = absl::PermissionDeniedError("no");
  EXPECT_EQ(Look(ServableRequest::Latest("m")), "PERMISSION_DENIED: no");
  EXPECT_THAT(log_.Take(), ElementsAre("m/8 End PERMISSION_DENIED"));
  factory_->item_error = absl::OkStatus();
  EXPECT_EQ(Look(ServableRequest::Latest("m")), "8");
}

TEST_P(CachingManagerTest, RefusesALoaderOfAnotherServable) {
  factory_->rename_to = "other";
  EXPECT_EQ(Look(ServableRequest::Specific("m", 5)),
            "INTERNAL: Asked for {name: m version: 5}, the loader factory made {name: other "
            "version: 5}");
  EXPECT_THAT(log_.Take(), IsEmpty());
}

TEST_P(CachingManagerTest, EveryoneGetsAnAnswerWhileLoadsFailAndSucceed) {
  std::atomic<int> num_loads{0};
  factory_->load = [&](int) {
    return num_loads++ % 3 == 0 ? absl::OkStatus() : absl::AbortedError("later");
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) {
        EXPECT_THAT(Look(ServableRequest::Specific("m", j)),
                    AnyOf(std::to_string(j), "ABORTED: later"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(CachingManagerCreateTest, NeedsAFactory) {
  std::unique_ptr<CachingManager> manager;
  EXPECT_TRUE(absl::IsInvalidArgument(CachingManager::Create({}, nullptr, &manager)));
}

TEST(PathPrefixLoaderFactoryTest, LoadsVersionZeroFromBelowThePrefix) {
  std::unique_ptr<CachingManager> manager;
  ASSERT_TRUE(CachingManager::Create(
                  {},
                  std::make_unique<PathPrefixLoaderFactory>(
                      "/models", std::make_unique<test_util::FakeLoaderSourceAdapter>("x")),
                  &manager)
                  .ok());
  ServableHandle<std::string> handle;
  ASSERT_TRUE(manager->GetServableHandle(ServableRequest::Latest("m"), &handle).ok());
  EXPECT_EQ(*handle, "/models/m/x");
  EXPECT_EQ(handle.id(), (ServableId{"m", 0}));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      manager->GetServableHandle(ServableRequest::Specific("m", 1), &handle)));
  for (const char* name : {"", "..", "../etc", "a/../../etc"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        manager->GetServableHandle(ServableRequest::Latest(name), &handle)));
  }
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/load_servables_fast.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/barrier.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/test_util/test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::FailWith;
using test_util::ListOf;
using test_util::LoaderData;
using test_util::MakeVersion;
using ::testing::UnorderedElementsAre;

// Aspires to what it was given, from inside SetAspiredVersionsCallback, one stream per version.
class OneShotSource final : public Source<std::unique_ptr<Loader>> {
 public:
  explicit OneShotSource(std::vector<LoaderData> versions) : versions_(std::move(versions)) {}

  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override {
    for (LoaderData& version : versions_) {
      const std::string name = version.id().name;
      callback(name, ListOf(std::move(version)));
    }
  }

 private:
  std::vector<LoaderData> versions_;
};

class LoadServablesFastTest : public ::testing::Test {
 protected:
  LoadServablesFastTest() {
    AspiredVersionsManager::Options options;
    options.aspired_version_policy = std::make_unique<AvailabilityPreservingPolicy>();
    options.servable_event_bus = bus_.get();
    options.num_load_threads = 1;
    options.max_num_load_retries = 0;
    EXPECT_TRUE(AspiredVersionsManager::Create(std::move(options), &manager_).ok());
  }

  const std::shared_ptr<EventBus<ServableState>> bus_ = EventBus<ServableState>::CreateEventBus();
  ServableStateMonitor monitor_{bus_.get()};
  std::unique_ptr<AspiredVersionsManager> manager_;
};

TEST_F(LoadServablesFastTest, LoadsInParallelAndGivesTheThreadsBack) {
  // Every load waits until all three are there.
  auto* const all_loading = new absl::Barrier(3);
  const auto meet = [all_loading](int) {
    if (all_loading->Block()) delete all_loading;
    return absl::OkStatus();
  };
  OneShotSource source(
      ListOf(MakeVersion("a", 1, meet), MakeVersion("b", 1, meet), MakeVersion("c", 2, meet)));
  ASSERT_TRUE(ConnectSourceWithFastInitialLoad(
                  manager_.get(), &source, &monitor_,
                  {ServableRequest::Latest("a"), ServableRequest::Earliest("b"),
                   ServableRequest::Specific("c", 2)},
                  3)
                  .ok());
  EXPECT_THAT(manager_->ListAvailableServableIds(),
              UnorderedElementsAre(ServableId{"a", 1}, ServableId{"b", 1}, ServableId{"c", 2}));
  EXPECT_EQ(internal::GetManagerNumLoadThreads(manager_.get()), 1);
}

TEST_F(LoadServablesFastTest, WaitsForTheServablesOfAllSources) {
  OneShotSource a(ListOf(MakeVersion("a", 1)));
  OneShotSource b(ListOf(MakeVersion("b", 1)));
  ASSERT_TRUE(ConnectSourcesWithFastInitialLoad(
                  manager_.get(), {&a, &b}, &monitor_,
                  {ServableRequest::Latest("a"), ServableRequest::Latest("b")})
                  .ok());
  EXPECT_EQ(manager_->ListAvailableServableIds().size(), 2);
}

TEST_F(LoadServablesFastTest, TellsWhyServablesDidNotBecomeAvailable) {
  OneShotSource source(ListOf(MakeVersion("a", 1, FailWith(absl::DataLossError("torn"))),
                              MakeVersion("b", 1),
                              LoaderData({"c", 3}, absl::NotFoundError("no such path"))));
  EXPECT_EQ(
      ConnectSourceWithFastInitialLoad(manager_.get(), &source, &monitor_,
                                       {ServableRequest::Latest("a"), ServableRequest::Latest("b"),
                                        ServableRequest::Latest("c")}),
      absl::UnknownError("2 servable(s) did not become available: {"
                         "{name: a version: 1} due to error: DATA_LOSS: torn}, "
                         "{name: c version: 3} due to error: NOT_FOUND: no such path}, }"));
  EXPECT_EQ(internal::GetManagerNumLoadThreads(manager_.get()), 1);
}

TEST_F(LoadServablesFastTest, ReturnsWhatTheCallersOwnWaitReturns) {
  OneShotSource source(ListOf(MakeVersion("a", 1)));
  EXPECT_EQ(internal::ConnectSourcesWithFastInitialLoad(
                manager_.get(), {&source},
                [&] {
                  EXPECT_EQ(internal::GetManagerNumLoadThreads(manager_.get()), 5);
                  return absl::AbortedError("not waiting");
                },
                5),
            absl::AbortedError("not waiting"));
  EXPECT_EQ(internal::GetManagerNumLoadThreads(manager_.get()), 1);
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

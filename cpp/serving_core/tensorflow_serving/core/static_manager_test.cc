// SPDX-License-Identifier: Apache-2.0
// Tests of the static manager, of the wrapper, and of the builder of aspired versions managers.
#include "tensorflow_serving/core/static_manager.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/aspired_versions_manager_builder.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/manager_wrapper.h"
#include "tensorflow_serving/core/prefix_storage_path_source_adapter.h"
#include "tensorflow_serving/core/servable_state_monitor.h"
#include "tensorflow_serving/core/test_util/availability_test_util.h"
#include "tensorflow_serving/core/test_util/fake_loader_source_adapter.h"

namespace tensorflow {
namespace serving {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::unique_ptr<Manager> BuildStringManager(const std::vector<ServableId>& ids) {
  StaticManagerBuilder builder;
  for (const ServableId& id : ids) {
    EXPECT_TRUE(builder.AddServable(id, std::make_unique<std::string>(id.DebugString())).ok());
  }
  return builder.Build();
}

std::string Look(Manager* manager, const ServableRequest& request) {
  ServableHandle<std::string> handle;
  const absl::Status status = manager->GetServableHandle(request, &handle);
  return status.ok() ? *handle : status.ToString();
}

TEST(StaticManagerTest, FindsWhatWasAddedByExactEarliestAndLatestVersion) {
  const std::unique_ptr<Manager> manager = BuildStringManager({{"a", 2}, {"a", 7}, {"b", 0}});
  EXPECT_EQ(Look(manager.get(), ServableRequest::Specific("a", 2)), "{name: a version: 2}");
  EXPECT_EQ(Look(manager.get(), ServableRequest::Latest("a")), "{name: a version: 7}");
  EXPECT_EQ(Look(manager.get(), ServableRequest::Earliest("a")), "{name: a version: 2}");
  EXPECT_EQ(Look(manager.get(), ServableRequest::Latest("b")), "{name: b version: 0}");
  EXPECT_THAT(manager->ListAvailableServableIds(),
              ElementsAre(ServableId{"a", 2}, ServableId{"a", 7}, ServableId{"b", 0}));
}

TEST(StaticManagerTest, SaysWhatItDidNotFind) {
  const std::unique_ptr<Manager> manager = BuildStringManager({{"a", 2}});
  EXPECT_EQ(Look(manager.get(), ServableRequest::Specific("a", 1)),
            "NOT_FOUND: Servable not found for request: Specific(a, 1)");
  EXPECT_EQ(Look(manager.get(), ServableRequest::Latest("b")),
            "NOT_FOUND: Servable not found for request: Latest(b)");
  ServableHandle<int> wrong_type;
  EXPECT_TRUE(absl::IsInvalidArgument(
      manager->GetServableHandle(ServableRequest::Latest("a"), &wrong_type)));
}

TEST(StaticManagerTest, ListsHandlesOfTheTypeAskedFor) {
  StaticManagerBuilder builder;
  ASSERT_TRUE(builder.AddServable({"n", 1}, std::make_unique<int>(5)).ok());
  ASSERT_TRUE(builder.AddServable({"s", 1}, std::make_unique<std::string>("x")).ok());
  const std::unique_ptr<Manager> manager = builder.Build();
  const auto handles = manager->GetAvailableServableHandles<int>();
  ASSERT_EQ(handles.size(), 1);
  EXPECT_EQ(handles.begin()->first, (ServableId{"n", 1}));
  EXPECT_EQ(*handles.begin()->second, 5);
}

TEST(StaticManagerTest, AHandleKeepsItsServable) {
  std::unique_ptr<Manager> manager = BuildStringManager({{"a", 2}});
  ServableHandle<std::string> handle;
  ASSERT_TRUE(manager->GetServableHandle(ServableRequest::Latest("a"), &handle).ok());
  manager.reset();
  EXPECT_EQ(*handle, "{name: a version: 2}");
}

TEST(StaticManagerBuilderTest, RefusesNullsDuplicatesAndNegativeVersions) {
  StaticManagerBuilder builder;
  EXPECT_TRUE(absl::IsInvalidArgument(builder.AddServable({"a", 1}, std::unique_ptr<int>())));
  EXPECT_TRUE(absl::IsInvalidArgument(builder.AddServable({"a", -1}, std::make_unique<int>(1))));
  EXPECT_TRUE(builder.AddServable({"a", 1}, std::make_unique<int>(1)).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(builder.AddServable({"a", 1}, std::make_unique<int>(2))));
  const std::unique_ptr<Manager> manager = builder.Build();
  EXPECT_EQ(*manager->GetAvailableServableHandles<int>().at({"a", 1}), 1);
}

TEST(StaticManagerBuilderTest, BuildsOnce) {
  StaticManagerBuilder builder;
  const std::unique_ptr<Manager> manager = builder.Build();
  EXPECT_THAT(manager->ListAvailableServableIds(), IsEmpty());
  EXPECT_EQ(builder.Build(), nullptr);
  EXPECT_TRUE(absl::IsFailedPrecondition(builder.AddServable({"a", 1}, std::make_unique<int>(1))));
}

TEST(ManagerWrapperTest, PassesEveryCallOn) {
  UniquePtrWithDeps<Manager> wrapped(BuildStringManager({{"a", 2}}));
  ManagerWrapper wrapper(std::move(wrapped));
  EXPECT_THAT(wrapper.ListAvailableServableIds(), ElementsAre(ServableId{"a", 2}));
  EXPECT_EQ(Look(&wrapper, ServableRequest::Latest("a")), "{name: a version: 2}");
  EXPECT_EQ(Look(&wrapper, ServableRequest::Latest("b")),
            "NOT_FOUND: Servable not found for request: Latest(b)");
  EXPECT_EQ(*wrapper.GetAvailableServableHandles<std::string>().at({"a", 2}),
            "{name: a version: 2}");
}

// Aspires to name/1 at "/name" from inside SetAspiredVersionsCallback; tells of its death.
class PathSource final : public Source<StoragePath> {
 public:
  PathSource(std::string name, std::vector<std::string>* deaths)
      : name_(std::move(name)), deaths_(deaths) {}
  ~PathSource() override { deaths_->push_back("source of " + name_); }

  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override {
    callback(name_, {ServableData<StoragePath>({name_, 1}, "/" + name_)});
  }

 private:
  const std::string name_;
  std::vector<std::string>* const deaths_;
};

TEST(AspiredVersionsManagerBuilderTest, NeedsWhatTheManagerNeeds) {
  std::unique_ptr<AspiredVersionsManagerBuilder> builder;
  EXPECT_TRUE(absl::IsInvalidArgument(AspiredVersionsManagerBuilder::Create({}, &builder)));
}

TEST(AspiredVersionsManagerBuilderTest, ConnectsAndOwnsChainsOfAnyLength) {
  const auto bus = EventBus<ServableState>::CreateEventBus();
  ServableStateMonitor monitor(bus.get());
  AspiredVersionsManagerBuilder::Options options;
  options.aspired_version_policy = std::make_unique<AvailabilityPreservingPolicy>();
  options.servable_event_bus = bus.get();
  std::unique_ptr<AspiredVersionsManagerBuilder> builder;
  ASSERT_TRUE(AspiredVersionsManagerBuilder::Create(std::move(options), &builder).ok());
  std::vector<std::string> deaths;
  const auto note = [&](const std::string& suffix) { deaths.push_back("adapter " + suffix); };
  using Adapter = test_util::FakeLoaderSourceAdapter;
  builder->AddSourceChain(std::make_unique<PathSource>("a", &deaths),
                          std::make_unique<Adapter>("x", note));
  builder->AddSourceChain(std::make_unique<PathSource>("b", &deaths),
                          std::make_unique<PrefixStoragePathSourceAdapter>("/near"),
                          std::make_unique<PrefixStoragePathSourceAdapter>("/far"),
                          std::make_unique<Adapter>("y", note));
  std::unique_ptr<Manager> manager = builder->Build();
  EXPECT_EQ(builder->Build(), nullptr);
  test_util::WaitUntilVersionsAvailable(monitor, "a", {1});
  test_util::WaitUntilVersionsAvailable(monitor, "b", {1});
  EXPECT_EQ(Look(manager.get(), ServableRequest::Latest("a")), "/a/x");
  EXPECT_EQ(Look(manager.get(), ServableRequest::Latest("b")), "/far/near/b/y");
  EXPECT_THAT(deaths, IsEmpty());
  manager.reset();
  EXPECT_THAT(deaths, ElementsAre("source of b", "adapter y", "source of a", "adapter x"));
}

// A source of loaders, without adapter.
class LoaderSourceOfOne final : public LoaderSource {
 public:
  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override {
    test_util::FakeLoaderSourceAdapter adapter;
    std::vector<ServableData<std::unique_ptr<Loader>>> versions;
    versions.push_back(adapter.AdaptOneVersion(ServableData<StoragePath>({"c", 4}, "/c")));
    callback("c", std::move(versions));
  }
};

TEST(AspiredVersionsManagerBuilderTest, ConnectsSourcesOfLoadersDirectly) {
  const auto bus = EventBus<ServableState>::CreateEventBus();
  ServableStateMonitor monitor(bus.get());
  AspiredVersionsManagerBuilder::Options options;
  options.aspired_version_policy = std::make_unique<AvailabilityPreservingPolicy>();
  options.servable_event_bus = bus.get();
  std::unique_ptr<AspiredVersionsManagerBuilder> builder;
  ASSERT_TRUE(AspiredVersionsManagerBuilder::Create(std::move(options), &builder).ok());
  builder->AddSource(std::make_unique<LoaderSourceOfOne>());
  const std::unique_ptr<Manager> manager = builder->Build();
  test_util::WaitUntilVersionsAvailable(monitor, "c", {4});
  EXPECT_EQ(Look(manager.get(), ServableRequest::Earliest("c")), "/c");
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

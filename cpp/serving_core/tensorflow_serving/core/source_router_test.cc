// SPDX-License-Identifier: Apache-2.0
// Tests of the routers, and of the adapter that prefixes paths.
#include "tensorflow_serving/core/source_router.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/dynamic_source_router.h"
#include "tensorflow_serving/core/prefix_storage_path_source_adapter.h"
#include "tensorflow_serving/core/static_source_router.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tensorflow_serving/core/test_util/mock_storage_path_target.h"

namespace tensorflow {
namespace serving {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StrictMock;
using PathData = ServableData<StoragePath>;

std::vector<PathData> ListOf(const std::string& name, int64_t version) {
  return {PathData({name, version}, "/path")};
}

// Routes a stream to the port that its newest version's number says.
class VersionRouter final : public SourceRouter<StoragePath> {
 public:
  explicit VersionRouter(int num_output_ports) : num_output_ports_(num_output_ports) {}
  ~VersionRouter() override { TargetBase<StoragePath>::Detach(); }

 protected:
  int num_output_ports() const override { return num_output_ports_; }
  int Route(const absl::string_view servable_name, const std::vector<PathData>& versions) override {
    EXPECT_EQ(servable_name, versions.front().id().name);
    return static_cast<int>(versions.front().id().version) - 1;  // versions may not be negative
  }

 private:
  const int num_output_ports_;
};

// Writes "port:name/version" down.
void RecordAll(SourceRouter<StoragePath>* router, std::vector<std::string>* record) {
  int number = 0;
  for (Source<StoragePath>* const port : router->GetOutputPorts()) {
    port->SetAspiredVersionsCallback(
        [number, record](const absl::string_view name, std::vector<PathData> versions) {
          for (const PathData& version : versions) {
            record->push_back(absl::StrCat(number, ":", name, "/", version.id().version));
          }
        });
    ++number;
  }
}

TEST(SourceRouterTest, PassesEachListThroughThePortOfItsRouteOnly) {
  VersionRouter router(2);
  std::vector<std::string> record;
  RecordAll(&router, &record);
  const auto callback = router.GetAspiredVersionsCallback();
  callback("a", ListOf("a", 2));
  callback("b", ListOf("b", 1));
  EXPECT_THAT(record, ElementsAre("1:a/2", "0:b/1"));
}

TEST(SourceRouterTest, DropsAListWithoutRoute) {
  VersionRouter router(1);
  std::vector<std::string> record;
  RecordAll(&router, &record);
  router.GetAspiredVersionsCallback()("a", ListOf("a", VersionRouter::kNoRoute + 1));
  EXPECT_THAT(record, IsEmpty());
}

TEST(SourceRouterTest, DropsAListThatIsRoutedToAPortThatDoesNotExist) {
  VersionRouter router(1);
  std::vector<std::string> record;
  RecordAll(&router, &record);
  EXPECT_DEBUG_DEATH(router.GetAspiredVersionsCallback()("a", ListOf("a", 2)),
                     "port 1, which does not exist");
  EXPECT_THAT(record, IsEmpty());
}

TEST(SourceRouterTest, HasTheSamePortsAtEveryCallAndAtLeastOne) {
  VersionRouter router(3);
  const std::vector<Source<StoragePath>*> ports = router.GetOutputPorts();
  EXPECT_EQ(ports.size(), 3);
  EXPECT_EQ(router.GetOutputPorts(), ports);
  VersionRouter none(0);
  EXPECT_DEBUG_DEATH({ EXPECT_EQ(none.GetOutputPorts().size(), 1); }, "at least 1 output port");
}

TEST(SourceRouterTest, AListWaitsForItsOwnPortOnly) {
  VersionRouter router(2);
  const auto callback = router.GetAspiredVersionsCallback();
  absl::Notification told;
  std::thread source([&] { callback("a", ListOf("a", 2)); });
  // Port 0 stays without a callback for ever.
  router.GetOutputPorts()[1]->SetAspiredVersionsCallback(
      [&](const absl::string_view, std::vector<PathData>) { told.Notify(); });
  told.WaitForNotification();
  source.join();
}

TEST(SourceRouterTest, LetsAWaitingListGoWhenItDiesUnwired) {
  for (const bool has_ports : {false, true}) {
    auto router = std::make_unique<VersionRouter>(1);
    if (has_ports) router->GetOutputPorts();
    absl::Notification started;
    std::thread source([&, callback = router->GetAspiredVersionsCallback()] {
      started.Notify();
      callback("a", ListOf("a", 1));
    });
    started.WaitForNotification();
    router.reset();
    source.join();
  }
}

TEST(SourceRouterTest, FeedsTargets) {
  StrictMock<test_util::MockStoragePathTarget> target;
  VersionRouter router(1);
  ConnectSourceToTarget(router.GetOutputPorts()[0], &target);
  EXPECT_CALL(target,
              SetAspiredVersions(absl::string_view("a"), ElementsAre(PathData({"a", 1}, "/path"))));
  router.GetAspiredVersionsCallback()("a", ListOf("a", 1));
}

TEST(StaticSourceRouterTest, RoutesByTheFirstSubstringThatTheNameContains) {
  std::unique_ptr<StaticSourceRouter<StoragePath>> router;
  ASSERT_TRUE(StaticSourceRouter<StoragePath>::Create({"cat", "dog"}, &router).ok());
  std::vector<std::string> record;
  RecordAll(router.get(), &record);
  const auto callback = router->GetAspiredVersionsCallback();
  for (const std::string name : {"hotdog", "dogcat", "bird", "concatenate"}) {
    callback(name, ListOf(name, 1));
  }
  EXPECT_THAT(record, ElementsAre("1:hotdog/1", "0:dogcat/1", "2:bird/1", "0:concatenate/1"));
}

TEST(StaticSourceRouterTest, HasOnePortWithoutSubstrings) {
  std::unique_ptr<StaticSourceRouter<StoragePath>> router;
  ASSERT_TRUE(StaticSourceRouter<StoragePath>::Create({}, &router).ok());
  EXPECT_EQ(router->GetOutputPorts().size(), 1);
}

using Dynamic = DynamicSourceRouter<StoragePath>;

TEST(DynamicSourceRouterTest, RoutesByNameAndOthersToTheLastPort) {
  std::unique_ptr<Dynamic> router;
  ASSERT_TRUE(Dynamic::Create(3, {{"a", 0}, {"b", 1}}, &router).ok());
  std::vector<std::string> record;
  RecordAll(router.get(), &record);
  const auto callback = router->GetAspiredVersionsCallback();
  for (const std::string name : {"a", "b", "ab"}) callback(name, ListOf(name, 1));
  EXPECT_THAT(record, ElementsAre("0:a/1", "1:b/1", "2:ab/1"));
}

TEST(DynamicSourceRouterTest, FollowsNewRoutesAndKeepsTheOldOnesIfTheNewAreBad) {
  std::unique_ptr<Dynamic> router;
  ASSERT_TRUE(Dynamic::Create(3, {{"a", 0}}, &router).ok());
  std::vector<std::string> record;
  RecordAll(router.get(), &record);
  const auto callback = router->GetAspiredVersionsCallback();
  const Dynamic::Routes next = {{"a", 1}};
  ASSERT_TRUE(router->UpdateRoutes(next).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(router->UpdateRoutes({{"a", 0}, {"b", 3}})));
  EXPECT_EQ(router->GetRoutes(), next);
  callback("a", ListOf("a", 1));
  ASSERT_TRUE(router->UpdateRoutes({}).ok());
  callback("a", ListOf("a", 2));
  EXPECT_THAT(record, ElementsAre("1:a/1", "2:a/2"));
}

TEST(DynamicSourceRouterTest, RefusesRoutesToPortsThatAreNotThereAndToTheLast) {
  std::unique_ptr<Dynamic> router;
  EXPECT_EQ(Dynamic::Create(2, {{"a", 2}}, &router),
            absl::InvalidArgumentError("Port number out of range: 2"));
  EXPECT_EQ(Dynamic::Create(2, {{"a", -1}}, &router),
            absl::InvalidArgumentError("Port number out of range: -1"));
  EXPECT_TRUE(absl::IsInvalidArgument(Dynamic::Create(2, {{"a", 1}}, &router)));
  EXPECT_TRUE(absl::IsInvalidArgument(Dynamic::Create(0, {}, &router)));
  EXPECT_EQ(router, nullptr);
  EXPECT_TRUE(Dynamic::Create(1, {}, &router).ok());
}

std::string Prefixed(const std::string& prefix, const std::string& path) {
  PrefixStoragePathSourceAdapter adapter(prefix);
  return adapter.AdaptOneVersion(PathData({"m", 1}, path)).DataOrDie();
}

TEST(PrefixStoragePathSourceAdapterTest, JoinsWithExactlyOneSlash) {
  for (const char* prefix : {"/a", "/a/"}) {
    EXPECT_EQ(Prefixed(prefix, "b/1"), "/a/b/1");
    EXPECT_EQ(Prefixed(prefix, "/b/1"), "/a/b/1");
  }
  EXPECT_EQ(Prefixed("s3://bucket", "/m/1"), "s3://bucket/m/1");
  EXPECT_EQ(Prefixed("", "/m/1"), "/m/1");
  EXPECT_EQ(Prefixed("/a", ""), "/a");
}

TEST(PrefixStoragePathSourceAdapterTest, LetsErrorsPass) {
  PrefixStoragePathSourceAdapter adapter("/a");
  EXPECT_EQ(adapter.AdaptOneVersion(PathData({"m", 1}, absl::NotFoundError("gone"))).status(),
            absl::NotFoundError("gone"));
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
// Tests of the plain data types: ids, data, states, requests.
#include <memory>
#include <set>
#include <sstream>
#include <unordered_set>

#include "gtest/gtest.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tensorflow_serving/core/test_util/servable_handle_test_util.h"

namespace tensorflow {
namespace serving {
namespace {

// Plugins written for upstream use these names unqualified.
static_assert(std::is_same<Status, absl::Status>::value, "Status drifted");
static_assert(std::is_same<string, StoragePath>::value, "StoragePath drifted");
static_assert(std::is_same<StringPiece, absl::string_view>::value, "StringPiece drifted");
static_assert(std::is_same<int64, int64_t>::value, "int64 drifted");

TEST(ServableIdTest, OrdersByNameThenVersion) {
  const std::set<ServableId> ids = {{"b", 1}, {"a", 10}, {"a", 9}};
  std::ostringstream out;
  for (const ServableId& id : ids) out << id << ";";
  EXPECT_EQ(out.str(), "{name: a version: 9};{name: a version: 10};{name: b version: 1};");
}

TEST(ServableIdTest, EqualIdsHashAlike) {
  const std::unordered_set<ServableId, HashServableId> ids = {{"a", 1}, {"a", 1}, {"a", 2}};
  EXPECT_EQ(ids.size(), 2);
  EXPECT_TRUE((ServableId{"a", 1} != ServableId{"a", 2}));
  EXPECT_TRUE((ServableId{"a", 1} != ServableId{"b", 1}));
}

TEST(ServableDataTest, HoldsDataOrAnError) {
  auto data = CreateServableData<std::unique_ptr<int>>({"m", 1}, std::make_unique<int>(7));
  EXPECT_EQ(*data.DataOrDie(), 7);
  EXPECT_EQ(*data.ConsumeDataOrDie(), 7);
  const ServableData<int> error({"m", 1}, absl::NotFoundError("gone"));
  EXPECT_EQ(error.status(), absl::NotFoundError("gone"));
}

TEST(ServableDataDeathTest, EndsTheProcessOnMisuse) {
  const ServableData<int> error({"m", 1}, absl::NotFoundError("gone"));
  EXPECT_DEATH(error.DataOrDie(), "name: m version: 1.*gone");
  EXPECT_DEATH(ServableData<int>({"m", 1}, absl::OkStatus()), "is OK");
}

TEST(StoragePathTest, ComparesIdsThenPathsOrErrors) {
  using Data = ServableData<StoragePath>;
  const absl::Status error = absl::NotFoundError("gone");
  EXPECT_TRUE(Data({"m", 1}, "/p") == Data({"m", 1}, "/p"));
  EXPECT_FALSE(Data({"m", 1}, "/p") == Data({"m", 2}, "/p"));
  EXPECT_FALSE(Data({"m", 1}, "/p") == Data({"m", 1}, "/q"));
  EXPECT_FALSE(Data({"m", 1}, "/p") == Data({"m", 1}, error));
  EXPECT_TRUE(Data({"m", 1}, error) == Data({"m", 1}, error));
}

TEST(ServableStateTest, PrintsAndComparesEveryField) {
  using ManagerState = ServableState::ManagerState;
  const ServableState state{{"m", 1}, ManagerState::kAvailable, absl::OkStatus()};
  EXPECT_EQ(state.DebugString(),
            "id: {name: m version: 1}, manager_state: Available, health: OK, model_type: "
            "unspecified");
  ServableState other = state;
  EXPECT_EQ(state, other);
  other.model_type = ServableModelType::kTensorflow;
  EXPECT_NE(state, other);
  EXPECT_EQ(ServableState::ManagerStateString(ManagerState::kEnd), "End");
  EXPECT_EQ(ServableModelTypeString(other.model_type), "tf");
}

TEST(ServableRequestTest, NamesWhatItAsksFor) {
  EXPECT_EQ(ServableRequest::FromId({"m", 3}).DebugString(), "Specific(m, 3)");
  EXPECT_EQ(ServableRequest::Latest("m").DebugString(), "Latest(m)");
  EXPECT_EQ(ServableRequest::Earliest("m").DebugString(), "Earliest(m)");
}

TEST(ServableHandleTest, IsAMoveOnlySmartPointer) {
  int servable = 7;
  ServableHandle<int> handle = test_util::WrapAsHandle(ServableId{"m", 1}, &servable);
  EXPECT_EQ(*handle, 7);
  EXPECT_EQ(handle.id(), (ServableId{"m", 1}));
  EXPECT_TRUE(handle == test_util::WrapAsHandle(ServableId{"m", 1}, &servable));
  EXPECT_TRUE(handle != test_util::WrapAsHandle(ServableId{"m", 2}, &servable));
  const ServableHandle<int> moved = std::move(handle);
  EXPECT_EQ(moved.get(), &servable);
  EXPECT_FALSE(handle);  // NOLINT: what is left is null
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

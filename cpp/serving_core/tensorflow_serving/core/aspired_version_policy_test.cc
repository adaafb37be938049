// SPDX-License-Identifier: Apache-2.0
// Tests of both policies.
#include "tensorflow_serving/core/aspired_version_policy.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/resource_preserving_policy.h"

namespace tensorflow {
namespace serving {
namespace {

using State = LoaderHarness::State;
constexpr bool kAspired = true;
constexpr bool kUnwanted = false;

struct Version {
  int64_t version;
  State state;
  bool is_aspired;
};

// "load 2", "unload 1" or "nothing".
std::string Ask(const AspiredVersionPolicy& policy, const std::vector<Version>& versions) {
  std::vector<AspiredServableStateSnapshot> snapshots;
  for (const Version& v : versions) snapshots.push_back({{"m", v.version}, v.state, v.is_aspired});
  const auto action = policy.GetNextAction(snapshots);
  if (!action) return "nothing";
  const bool load = action->action == AspiredVersionPolicy::Action::kLoad;
  return (load ? "load " : "unload ") + std::to_string(action->id.version);
}

TEST(AvailabilityPreservingPolicyTest, LoadsTheNewVersionBeforeUnloadingTheOld) {
  const AvailabilityPreservingPolicy policy;
  EXPECT_EQ(Ask(policy, {{1, State::kReady, kUnwanted}, {2, State::kNew, kAspired}}), "load 2");
  EXPECT_EQ(Ask(policy, {{1, State::kReady, kUnwanted}, {2, State::kLoading, kAspired}}),
            "nothing");
  EXPECT_EQ(Ask(policy, {{1, State::kReady, kUnwanted}, {2, State::kError, kAspired}}), "nothing");
  EXPECT_EQ(Ask(policy, {{1, State::kReady, kUnwanted}, {2, State::kReady, kAspired}}), "unload 1");
}

TEST(AvailabilityPreservingPolicyTest, KeepsOnlyOneUnwantedVersion) {
  EXPECT_EQ(Ask(AvailabilityPreservingPolicy(), {{2, State::kReady, kUnwanted},
                                                 {1, State::kReady, kUnwanted},
                                                 {3, State::kNew, kAspired}}),
            "unload 1");
}

TEST(AvailabilityPreservingPolicyTest, UnloadsAllWhenNothingIsAspired) {
  EXPECT_EQ(Ask(AvailabilityPreservingPolicy(), {{1, State::kReady, kUnwanted}}), "unload 1");
}

TEST(AvailabilityPreservingPolicyTest, LoadsTheHighestNewVersionFirst) {
  EXPECT_EQ(Ask(AvailabilityPreservingPolicy(), {{1, State::kNew, kAspired},
                                                 {3, State::kNew, kAspired},
                                                 {4, State::kNew, kUnwanted},
                                                 {2, State::kReady, kAspired}}),
            "load 3");
}

TEST(ResourcePreservingPolicyTest, UnloadsTheOldVersionBeforeLoadingTheNew) {
  const ResourcePreservingPolicy policy;
  EXPECT_EQ(Ask(policy, {{1, State::kReady, kUnwanted}, {2, State::kNew, kAspired}}), "unload 1");
  EXPECT_EQ(Ask(policy, {{1, State::kUnloading, kUnwanted}, {2, State::kNew, kAspired}}),
            "nothing");
  EXPECT_EQ(Ask(policy, {{1, State::kDisabled, kUnwanted}, {2, State::kNew, kAspired}}), "load 2");
  EXPECT_EQ(Ask(policy, {{1, State::kError, kUnwanted}, {2, State::kNew, kAspired}}), "load 2");
  EXPECT_EQ(Ask(policy, {{1, State::kReady, kAspired}}), "nothing");
}

TEST(ServableActionTest, SaysWhatItDoes) {
  const AspiredVersionPolicy::ServableAction load{AspiredVersionPolicy::Action::kLoad, {"m", 1}};
  EXPECT_EQ(load.DebugString(), "{action: load id: {name: m version: 1}}");
  EXPECT_FALSE(load == (AspiredVersionPolicy::ServableAction{AspiredVersionPolicy::Action::kUnload,
                                                             {"m", 1}}));
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/policy/select_versions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tfserving_remote {
namespace {

using tensorflow::serving::FileSystemStoragePathSourceConfig;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(VersionPolicyTest, AnUnsetPolicyAndACountOfZeroMeanTheLatestOne) {
  FileSystemStoragePathSourceConfig::ServableVersionPolicy proto;
  EXPECT_EQ(VersionPolicy::FromProto(proto), VersionPolicy::Latest(1));
  proto.mutable_latest();
  EXPECT_EQ(VersionPolicy::FromProto(proto), VersionPolicy::Latest(1));
  proto.mutable_latest()->set_num_versions(3);
  EXPECT_EQ(VersionPolicy::FromProto(proto), VersionPolicy::Latest(3));
  EXPECT_EQ(VersionPolicy(), VersionPolicy::Latest(1));
}

TEST(VersionPolicyTest, ReadsAllAndSpecific) {
  FileSystemStoragePathSourceConfig::ServableVersionPolicy proto;
  proto.mutable_all();
  EXPECT_EQ(VersionPolicy::FromProto(proto), VersionPolicy::All());
  proto.mutable_specific()->add_versions(7);
  proto.mutable_specific()->add_versions(3);
  proto.mutable_specific()->add_versions(7);
  EXPECT_EQ(VersionPolicy::FromProto(proto), VersionPolicy::Specific({3, 7}));
  EXPECT_EQ(VersionPolicy::FromProto(proto).DebugString(), "specific 3, 7");
}

TEST(SelectVersionsTest, LatestTakesTheHighestNumbers) {
  const std::set<int64_t> versions = {1, 2, 9, 10};
  EXPECT_THAT(SelectVersions(VersionPolicy::Latest(1), versions).selected, ElementsAre(10));
  EXPECT_THAT(SelectVersions(VersionPolicy::Latest(2), versions).selected, ElementsAre(9, 10));
  EXPECT_THAT(SelectVersions(VersionPolicy::Latest(4294967295), versions).selected,
              ElementsAre(1, 2, 9, 10));
  EXPECT_THAT(SelectVersions(VersionPolicy::Latest(1), {}).selected, IsEmpty());
}

TEST(SelectVersionsTest, SpecificTakesWhatIsThereAndNamesWhatIsNot) {
  const VersionSelection selection =
      SelectVersions(VersionPolicy::Specific({2, 5, 9}), {1, 2, 9, 10});
  EXPECT_THAT(selection.selected, ElementsAre(2, 9));
  EXPECT_THAT(selection.missing, ElementsAre(5));
}

std::set<int64_t> RandomNumbers(std::mt19937& random, int most) {
  std::set<int64_t> numbers;
  const int count = std::uniform_int_distribution<int>(0, most)(random);
  for (int i = 0; i < count; ++i) {
    numbers.insert(std::uniform_int_distribution<int64_t>(0, 2 * most)(random));
  }
  return numbers;
}

// What holds for every policy and every set of versions.
TEST(SelectVersionsTest, ChoosesOnlyWhatIsThereAndAsThePolicySays) {
  std::mt19937 random(20261123);
  for (int round = 0; round < 2000; ++round) {
    const std::set<int64_t> versions = RandomNumbers(random, 12);
    const std::set<int64_t> wanted = RandomNumbers(random, 12);
    const uint32_t count = std::uniform_int_distribution<uint32_t>(1, 15)(random);

    EXPECT_EQ(SelectVersions(VersionPolicy::All(), versions).selected, versions);

    const std::set<int64_t> latest =
        SelectVersions(VersionPolicy::Latest(count), versions).selected;
    EXPECT_EQ(latest.size(), std::min<size_t>(count, versions.size()));
    EXPECT_TRUE(std::includes(versions.begin(), versions.end(), latest.begin(), latest.end()));
    for (const int64_t version : versions) {
      EXPECT_TRUE(latest.count(version) > 0 || version < *latest.begin());
    }

    const VersionSelection specific = SelectVersions(VersionPolicy::Specific(wanted), versions);
    EXPECT_EQ(specific.selected.size() + specific.missing.size(), wanted.size());
    for (const int64_t version : wanted) {
      EXPECT_EQ(specific.selected.count(version), versions.count(version));
      EXPECT_NE(specific.missing.count(version), versions.count(version));
    }
  }
}

}  // namespace
}  // namespace tfserving_remote

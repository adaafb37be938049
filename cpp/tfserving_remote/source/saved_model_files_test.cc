// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/saved_model_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_format.h"

namespace tfserving_remote {
namespace {

using testing::HasSubstr;

std::string Missing(const std::vector<std::string>& files) {
  return MissingSavedModelFile({files.begin(), files.end()});
}

std::string Shard(int number, int of) {
  return absl::StrFormat("variables/variables.data-%05d-of-%05d", number, of);
}

constexpr char kGraph[] = "saved_model.pb";
constexpr char kIndex[] = "variables/variables.index";

TEST(SavedModelFilesTest, AGraphAloneIsAModelWithoutVariables) {
  for (const char* graph : {"saved_model.pb", "saved_model.pbtxt", "saved_model.cpb"}) {
    EXPECT_EQ(Missing({graph, "fingerprint.pb", "assets/vocab.txt"}), "");
  }
  EXPECT_EQ(Missing({kGraph, "", "variables/"}), "") << "markers of folders are no files";
}

TEST(SavedModelFilesTest, WithoutAGraphNothingIsAModel) {
  EXPECT_EQ(Missing({}), "saved_model.pb is missing");
  EXPECT_EQ(Missing({kIndex, Shard(0, 1)}), "saved_model.pb is missing");
  EXPECT_EQ(Missing({"sub/saved_model.pb"}), "saved_model.pb is missing");
  EXPECT_EQ(Missing({"saved_model.pb.tmp"}), "saved_model.pb is missing");
}

TEST(SavedModelFilesTest, VariablesNeedTheirIndexAndAShard) {
  EXPECT_EQ(Missing({kGraph, kIndex, Shard(0, 1)}), "");
  EXPECT_THAT(Missing({kGraph, Shard(0, 1)}), HasSubstr("variables.index is missing"));
  EXPECT_THAT(Missing({kGraph, kIndex}), HasSubstr("variables.data-00000-of-* is missing"));
  EXPECT_THAT(Missing({kGraph, "variables/variables.index.part"}),
              HasSubstr("variables.index is missing"));
}

TEST(SavedModelFilesTest, EachOneOfManyShardsIsNeeded) {
  constexpr int kShards = 12;
  for (int left_out = -1; left_out < kShards; ++left_out) {
    std::vector<std::string> files = {kGraph, kIndex};
    for (int i = 0; i < kShards; ++i) {
      if (i != left_out) files.push_back(Shard(i, kShards));
    }
    const std::string expected = left_out < 0 ? "" : Shard(left_out, kShards) + " is missing";
    EXPECT_EQ(Missing(files), expected);
  }
}

TEST(SavedModelFilesTest, ShardsOfAnOlderExportDoNotMatter) {
  EXPECT_EQ(Missing({kGraph, kIndex, Shard(0, 1), Shard(0, 2)}), "");
  EXPECT_EQ(Missing({kGraph, kIndex, Shard(1, 3), Shard(0, 2), Shard(1, 2)}), "");
}

TEST(SavedModelFilesTest, OnlyNamesAsTensorFlowWritesThemAreShards) {
  for (const char* name :
       {"variables/variables.data-0-of-1", "variables/variables.data-00001-of-00001",
        "variables/variables.data-00000-of-00000", "variables/variables.data--0001-of-00001",
        "variables/variables.data-00000-of-00001.tmp", "variables/variables.data-",
        "variables/variables.data-00000-of-99999999999999999999"}) {
    EXPECT_THAT(Missing({kGraph, kIndex, name}), HasSubstr("is missing")) << name;
  }
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/tar_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tfserving_remote/stream/test_archives.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<std::vector<TarMember>> Index(const std::string& tar, uint64_t* read_bytes) {
  UnpackOptions options;
  options.version_name = "7";
  return IndexTar(options, tar.size(), [&](uint64_t offset, absl::Span<char> into) {
    std::memcpy(into.data(), tar.data() + offset, into.size());
    *read_bytes += into.size();
    return absl::OkStatus();
  });
}

TEST(TarIndexTest, FindsEveryMemberAndReadsLittleElse) {
  const TestFiles files = {{"a", "x"},
                           {"empty", ""},
                           {"variables/" + std::string(150, 'v'), TestBytes(5 << 20, 1)},
                           {"variables/z", TestBytes(1000, 2)}};
  const std::string tar = PackFiles(VersionPacking::kTar, files, "7/");
  uint64_t read_bytes = 0;
  const absl::StatusOr<std::vector<TarMember>> members = Index(tar, &read_bytes);
  ASSERT_TRUE(members.ok()) << members.status();
  TestFiles found;
  for (const TarMember& member : *members) {
    found[member.path] = tar.substr(member.offset, member.size);
  }
  EXPECT_TRUE(found == files);
  EXPECT_LT(read_bytes, 200 << 10);
}

TEST(TarIndexTest, NoticesAMemberThatIsCutOff) {
  const std::string tar =
      PackFiles(VersionPacking::kTar, {{"a", "x"}, {"b", TestBytes(5 << 20, 1)}}, "");
  uint64_t read_bytes = 0;
  const absl::Status status = Index(tar.substr(0, 1 << 20), &read_bytes).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("is cut off in member \"b\""));
}

TEST(TarIndexTest, RefusesWhatTheUnpackerRefuses) {
  uint64_t read_bytes = 0;
  const std::string tar = PackMembers(VersionPacking::kTar, {{"../x", "y"}});
  EXPECT_TRUE(absl::IsInvalidArgument(Index(tar, &read_bytes).status()));
}

}  // namespace
}  // namespace tfserving_remote

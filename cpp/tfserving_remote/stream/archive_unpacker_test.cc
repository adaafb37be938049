// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/archive_unpacker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tfserving_remote/stream/test_archives.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;
using Kind = TestMember::Kind;

// Keeps every member.
class Keeper final : public MemberSink {
 public:
  absl::StatusOr<absl::Span<char>> Begin(const std::string& path, uint64_t size,
                                         uint64_t) override {
    std::string& bytes = files_[path];
    bytes.resize(size);
    return absl::MakeSpan(bytes);
  }
  absl::Status Arrived(uint64_t) override { return absl::OkStatus(); }
  absl::Status End() override { return absl::OkStatus(); }
  const TestFiles& files() const { return files_; }

 private:
  TestFiles files_;
};

// Hands the packed bytes out in pieces of 1000.
NextBytes Pieces(const std::string& packed) {
  return [&packed, offset = size_t{0}]() mutable -> absl::StatusOr<absl::Span<const char>> {
    const absl::string_view piece = absl::string_view(packed).substr(offset, 1000);
    offset += piece.size();
    return absl::Span<const char>(piece.data(), piece.size());
  };
}

absl::Status Unpack(const std::string& packed, Keeper& keeper, UnpackOptions options = {}) {
  options.version_name = "7";
  return UnpackArchive(options, Pieces(packed), keeper);
}

absl::Status Unpack(const std::vector<TestMember>& members) {
  Keeper keeper;
  return Unpack(PackMembers(VersionPacking::kTar, members), keeper);
}

TEST(ArchiveUnpackerTest, UnpacksEveryPackingWithAndWithoutALeadingFolder) {
  const TestFiles files = {{"assets/ü.txt", "x"},
                           {"empty", ""},
                           {"saved_model.pb", TestBytes(5000, 1)},
                           {"variables/" + std::string(150, 'v'), TestBytes(3 << 20, 2)}};
  for (VersionPacking packing :
       {VersionPacking::kTar, VersionPacking::kTarGz, VersionPacking::kTarZst}) {
    for (const char* folder : {"", "7/", "./", "./0007/"}) {
      Keeper keeper;
      UnpackOptions options;
      options.packing = packing;
      const absl::Status status = Unpack(PackFiles(packing, files, folder), keeper, options);
      EXPECT_TRUE(status.ok()) << status;
      EXPECT_TRUE(keeper.files() == files) << PackingSuffix(packing) << " in " << folder;
    }
  }
}

TEST(ArchiveUnpackerTest, RefusesWhatCouldEscapeOrDeceive) {
  const std::vector<std::pair<TestMember, std::string>> bad = {
      {{"../x", "y"}, "leaves the version"},
      {{"a/../../x", "y"}, "leaves the version"},
      {{"/etc/passwd", "y"}, "leaves the version"},
      {{"a\\b", "y"}, "leaves the version"},
      {{"8/saved_model.pb", "y"}, "folder of version 8"},
      {{"7", "y"}, "name of the version's folder"},
      {{"link", "", Kind::kSymbolicLink}, "is a symbolic link"},
      {{"link", "", Kind::kHardLink}, "is a hard link"},
      {{"device", "", Kind::kDevice}, "is no regular file"},
      {{"sparse", "y", Kind::kSparse}, "is a sparse file"}};
  for (const auto& [member, why] : bad) {
    const absl::Status status = Unpack({{"good", "x"}, member});
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << why << ": " << status;
    EXPECT_THAT(status.message(), HasSubstr(why));
  }
}

TEST(ArchiveUnpackerTest, RefusesDuplicateMembersHoweverTheyAreSpelled) {
  EXPECT_THAT(Unpack({{"a", "x"}, {"a", "y"}}).message(), HasSubstr("\"a\" is there twice"));
  EXPECT_THAT(Unpack({{"a", "x"}, {"7/a", "y"}}).message(), HasSubstr("is there twice"));
  EXPECT_THAT(Unpack({{"a", "x"}, {"./a", "y"}}).message(), HasSubstr("is there twice"));
}

TEST(ArchiveUnpackerTest, RefusesMoreThanIsAllowed) {
  const std::string zeros(10 << 20, '\0');  // a bomb: ten megabytes in ten kilobytes
  const std::string packed = PackMembers(VersionPacking::kTarGz, {{"zeros", zeros}});
  ASSERT_LT(packed.size(), 100 << 10);
  UnpackOptions options;
  options.packing = VersionPacking::kTarGz;
  options.max_unpacked_bytes = 1 << 20;
  Keeper keeper;
  EXPECT_THAT(Unpack(packed, keeper, options).message(), HasSubstr("larger than 1048576 bytes"));
  EXPECT_TRUE(keeper.files().empty()) << "no memory was taken";
  options.max_unpacked_bytes = 100 << 20;
  options.max_members = 0;
  EXPECT_THAT(Unpack(packed, keeper, options).message(), HasSubstr("one more than the 0 allowed"));
}

TEST(ArchiveUnpackerTest, RefusesArchivesThatAreCutOff) {
  for (VersionPacking packing :
       {VersionPacking::kTar, VersionPacking::kTarGz, VersionPacking::kTarZst}) {
    const std::string packed = PackMembers(packing, {{"a", TestBytes(100000, 1)}});
    UnpackOptions options;
    options.packing = packing;
    for (size_t length : {packed.size() / 2, packed.size() / 10, size_t{1}, size_t{0}}) {
      Keeper keeper;
      const absl::Status status = Unpack(packed.substr(0, length), keeper, options);
      EXPECT_TRUE(absl::IsDataLoss(status)) << PackingSuffix(packing) << length << status;
    }
  }
}

TEST(ArchiveUnpackerTest, RefusesAnArchiveThatWasCutOffBetweenTwoMembers) {
  const std::string whole =
      PackMembers(VersionPacking::kTar, {{"saved_model.pb", TestBytes(700, 1)}, {"b", "later"}});
  const size_t first_member = 512 + 1024;
  Keeper keeper;
  const absl::Status cut = Unpack(whole.substr(0, first_member), keeper);
  EXPECT_TRUE(absl::IsDataLoss(cut)) << cut;
  EXPECT_THAT(std::string(cut.message()), HasSubstr("without the mark of its end"));
  Keeper again;
  EXPECT_TRUE(Unpack(whole.substr(0, first_member) + std::string(1024, '\0'), again).ok());
}

TEST(ArchiveUnpackerTest, RefusesWhatIsNoArchive) {
  for (VersionPacking packing :
       {VersionPacking::kTar, VersionPacking::kTarGz, VersionPacking::kTarZst}) {
    UnpackOptions options;
    options.packing = packing;
    Keeper keeper;
    EXPECT_FALSE(Unpack(TestBytes(10000, 1), keeper, options).ok());
  }
}

TEST(ArchiveUnpackerTest, PassesTheErrorsOfTheSourceOn) {
  Keeper keeper;
  const NextBytes broken = [] { return absl::UnavailableError("GET s3://b/7.tar: 503"); };
  EXPECT_EQ(UnpackArchive({}, broken, keeper), absl::UnavailableError("GET s3://b/7.tar: 503"));
}

TEST(MemberPathTest, StripsTheFolderOfTheVersionAlone) {
  EXPECT_EQ(*MemberPath("saved_model.pb", "7"), "saved_model.pb");
  EXPECT_EQ(*MemberPath("007/a/b", "7"), "a/b");
  EXPECT_EQ(*MemberPath("./7/", "7"), "");
  EXPECT_EQ(*MemberPath(".", "7"), "");
  EXPECT_EQ(*MemberPath("variables/", "7"), "variables");
  EXPECT_EQ(*MemberPath("model/a", "model"), "a");
  EXPECT_FALSE(MemberPath("8/a", "7").ok());
  EXPECT_FALSE(MemberPath("7/../a", "7").ok());
}

}  // namespace
}  // namespace tfserving_remote

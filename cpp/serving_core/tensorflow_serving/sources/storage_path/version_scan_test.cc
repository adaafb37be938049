// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/sources/storage_path/version_scan.h"

#include <initializer_list>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/sources/storage_path/storage_path_test_support.h"

namespace tensorflow {
namespace serving {
namespace internal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class VersionScanTest : public ::testing::Test {
 protected:
  VersionScanTest() {
    servable_.set_servable_name("m");
    servable_.set_base_path("/b");
    files_.AddFolder("/b");
  }

  void AddFolders(std::initializer_list<const char*> names) {
    for (const char* name : names) files_.AddFolder(absl::StrCat("/b/", name));
  }
  void WantLatest(int count) {
    servable_.mutable_servable_version_policy()->mutable_latest()->set_num_versions(count);
  }
  void WantAll() { servable_.mutable_servable_version_policy()->mutable_all(); }
  void WantSpecific(std::initializer_list<int64_t> versions) {
    auto* const specific = servable_.mutable_servable_version_policy()->mutable_specific();
    for (const int64_t version : versions) specific->add_versions(version);
  }

  VersionScan Scan() { return ScanVersions(servable_, files_.MakeEnv().get()); }
  std::string Found() { return test_util::Heard::Line("m", Scan().versions); }
  std::vector<std::string> Reports() {
    std::vector<std::string> lines;
    for (const VersionScan::Report& report : Scan().reports) {
      lines.push_back(absl::StrCat(absl::LogSeverityName(report.severity), " ", report.text));
    }
    return lines;
  }

  FileSystemStoragePathSourceConfig::ServableToMonitor servable_;
  test_util::FakeFiles files_;
};

TEST_F(VersionScanTest, TakesTheHighestNumberUnlessToldOtherwise) {
  AddFolders({"1", "3", "20"});
  EXPECT_EQ(Found(), "m: 20=/b/20");
  WantLatest(0);
  EXPECT_EQ(Found(), "m: 20=/b/20");
  EXPECT_THAT(Reports(), IsEmpty());
}

TEST_F(VersionScanTest, TakesTheHighestNumbersFirst) {
  AddFolders({"1", "3", "20"});
  WantLatest(2);
  EXPECT_EQ(Found(), "m: 20=/b/20 3=/b/3");
  WantLatest(7);
  EXPECT_EQ(Found(), "m: 20=/b/20 3=/b/3 1=/b/1");
}

TEST_F(VersionScanTest, TakesAllInTheOrderOfTheirNames) {
  AddFolders({"1", "3", "20", "03x"});
  WantAll();
  EXPECT_EQ(Found(), "m: 1=/b/1 20=/b/20 3=/b/3");
}

TEST_F(VersionScanTest, TakesSpecificVersionsInTheirOrderWithoutListing) {
  AddFolders({"1", "2", "3"});
  WantSpecific({3, 1});
  EXPECT_EQ(Found(), "m: 3=/b/3 1=/b/1");
  EXPECT_EQ(files_.num_listings(), 0);
}

TEST_F(VersionScanTest, LooksForSpecificVersionsUnderOtherNames) {
  AddFolders({"003", "1", "2"});
  WantSpecific({3, 9, 1});
  EXPECT_EQ(Found(), "m: 1=/b/1 3=/b/003");
  EXPECT_THAT(Reports(),
              ElementsAre("WARNING Version 9 of servable m, which was requested to be served as a "
                          "'specific' version in the servable's version policy, was not found in "
                          "the file system"));
}

TEST_F(VersionScanTest, TakesAVersionRequestedTwiceOnce) {
  AddFolders({"1"});
  WantSpecific({1, 1});
  EXPECT_EQ(Found(), "m: 1=/b/1");
  EXPECT_THAT(Reports(), ElementsAre(HasSubstr("Version 1 of servable m is requested more than")));
}

TEST_F(VersionScanTest, TellsAskingForNothingFromFindingNothing) {
  WantSpecific({});
  EXPECT_TRUE(Scan().none_wanted);
  EXPECT_THAT(Reports(), ElementsAre("WARNING No specific versions requested for servable m."));
  WantSpecific({4});
  EXPECT_FALSE(Scan().none_wanted);
  EXPECT_THAT(Scan().versions, IsEmpty());
}

struct NameCase {
  const char* name;
  const char* found;
};
class VersionNameTest : public VersionScanTest, public ::testing::WithParamInterface<NameCase> {};

TEST_P(VersionNameTest, IsReadAsADecimalNumber) {
  AddFolders({GetParam().name});
  EXPECT_EQ(Found(), GetParam().found);
}

INSTANTIATE_TEST_SUITE_P(
    All, VersionNameTest,
    ::testing::Values(NameCase{"1", "m: 1=/b/1"}, NameCase{"0", "m: 0=/b/0"},
                      NameCase{"0000001", "m: 1=/b/0000001"}, NameCase{"+5", "m: 5=/b/+5"},
                      NameCase{"20240131120000", "m: 20240131120000=/b/20240131120000"},
                      NameCase{"9223372036854775807",
                               "m: 9223372036854775807=/b/9223372036854775807"},
                      NameCase{"9223372036854775808", "m:"}, NameCase{"-1", "m:"},
                      NameCase{"1.0", "m:"}, NameCase{"v1", "m:"}, NameCase{"1_0", "m:"},
                      NameCase{"0x10", "m:"}, NameCase{"1e3", "m:"}));

TEST_F(VersionScanTest, TakesOneOfSeveralNamesOfANumberUnderEveryPolicy) {
  AddFolders({"7", "007", "07", "8"});
  WantAll();
  EXPECT_EQ(Found(), "m: 7=/b/7 8=/b/8");
  EXPECT_THAT(Reports(),
              ElementsAre("WARNING Duplicate version directories detected. Version 7 will be "
                          "loaded from /b/7, /b/07 will be ignored.",
                          HasSubstr("loaded from /b/7, /b/007 will be ignored.")));
  WantLatest(2);
  EXPECT_EQ(Found(), "m: 8=/b/8 7=/b/7");
  WantSpecific({9, 7});
  EXPECT_EQ(Found(), "m: 7=/b/7");
}

TEST_F(VersionScanTest, ReportsAPlainFileAndTakesWhatIsNext) {
  AddFolders({"1"});
  files_.AddFile("/b/2");
  EXPECT_EQ(Found(), "m: 1=/b/1");
  EXPECT_THAT(Reports(), ElementsAre(HasSubstr("/b/2 is a plain file; version 2 of servable m")));
  AddFolders({"02"});
  EXPECT_EQ(Found(), "m: 2=/b/02");
  WantAll();
  EXPECT_EQ(Found(), "m: 2=/b/02 1=/b/1");
}

TEST_F(VersionScanTest, ReportsAPlainFileThatIsASpecificVersion) {
  files_.AddFile("/b/2");
  WantSpecific({2});
  EXPECT_EQ(Found(), "m:");
  EXPECT_THAT(Reports(), ElementsAre(HasSubstr("is a plain file"), HasSubstr("was not found"),
                                     HasSubstr("No versions of servable m found")));
}

TEST_F(VersionScanTest, TakesWhatAFileSystemCannotTellFromAFile) {
  files_.Add("/b/1", absl::UnimplementedError("IsDirectory"));
  EXPECT_EQ(Found(), "m: 1=/b/1");
  files_.Add("/b/1", absl::UnavailableError("try again"));
  WantSpecific({1});
  EXPECT_EQ(Found(), "m: 1=/b/1");
}

TEST_F(VersionScanTest, ReadsAListingOfAllThatLiesBelow) {
  AddFolders({"1", "1/saved_model.pb", "1/variables/x"});
  WantAll();
  EXPECT_EQ(Found(), "m: 1=/b/1");
  EXPECT_THAT(Reports(), IsEmpty());
}

TEST_F(VersionScanTest, NamesTheBasePathThatIsMissing) {
  files_.Remove("/b");
  const absl::Status status = Scan().status;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("Could not find base path /b for servable m with error "
                                          "NOT_FOUND: no such thing"));
  EXPECT_THAT(Reports(), ElementsAre(HasSubstr("ERROR FileSystemStoragePathSource encountered a "
                                               "filesystem access error: Could not find")));
}

TEST_F(VersionScanTest, KnowsNothingWhenTheListingFails) {
  AddFolders({"1"});
  files_.FailListings(absl::PermissionDeniedError("not for you"));
  const VersionScan scan = Scan();
  EXPECT_EQ(scan.status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(scan.status.message(), HasSubstr("/b for servable m"));
  EXPECT_THAT(scan.versions, IsEmpty());
}

TEST_F(VersionScanTest, WarnsWhenNothingIsThere) {
  AddFolders({"half_copied", "1.tmp"});
  EXPECT_TRUE(Scan().status.ok());
  EXPECT_THAT(Reports(), ElementsAre(HasSubstr(
                             "No versions of servable m found under base path /b. Did you "
                             "forget to name your leaf directory as a number (eg. '/1/')?")));
}

}  // namespace
}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

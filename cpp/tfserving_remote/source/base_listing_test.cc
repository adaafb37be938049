// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/base_listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tfserving_remote {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kBase[] = "models/m/";

/// Entries with a trailing '/' are folders.
BaseListing Read(const std::vector<std::string>& entries,
                 ManifestMode mode = ManifestMode::kPreferred,
                 const std::map<int64_t, std::string>& offered = {}) {
  Listing listing;
  for (const std::string& entry : entries) {
    const std::string key = absl::StrCat(kBase, entry);
    if (!entry.empty() && entry.back() == '/') {
      listing.prefixes.push_back(key);
    } else {
      listing.objects.push_back({key, 5, "tag"});
    }
  }
  return ReadBaseListing(listing, kBase, mode, offered);
}

std::vector<std::string> Paths(const BaseListing& listing) {
  std::vector<std::string> paths;
  for (const auto& [number, version] : listing.versions) {
    EXPECT_EQ(version.name.number, number);
    paths.push_back(absl::StrCat(version.name.PathName(), version.manifest ? "+" : ""));
  }
  return paths;
}

std::string Problems(const BaseListing& listing) {
  return absl::StrJoin(listing.problems, "\n", [](std::string* out, const VersionProblem& p) {
    absl::StrAppend(out, p.entry, ": ", p.reason);
  });
}

TEST(BaseListingTest, FoldersArchivesAndTheirManifestsAreVersions) {
  const BaseListing listing = Read({"0000001/", "2.tar", "3.tar.gz", "4.tar.zst", "10/",
                                    "0000001.manifest.json", "4.manifest.json"});
  EXPECT_THAT(Paths(listing), ElementsAre("0000001+", "2.tar", "3.tar.gz", "4.tar.zst+", "10"));
  EXPECT_THAT(listing.problems, IsEmpty());
  EXPECT_TRUE(listing.versions.at(2).archive.has_value());
  EXPECT_FALSE(listing.versions.at(10).archive.has_value());
}

TEST(BaseListingTest, ASignatureBelongsToItsManifest) {
  const BaseListing listing =
      Read({"1/", "1.manifest.json", "1.manifest.sig", "2/", "2.manifest.sig", "3.tar",
            "3.manifest.json", "v4.manifest.sig", "5.manifest.sig"});
  EXPECT_THAT(Paths(listing), ElementsAre("1+", "2", "3.tar+"));
  EXPECT_THAT(listing.problems, IsEmpty());
  ASSERT_TRUE(listing.versions.at(1).signature.has_value());
  EXPECT_EQ(listing.versions.at(1).signature->key, "models/m/1.manifest.sig");
  EXPECT_FALSE(listing.versions.at(2).signature.has_value());
  EXPECT_FALSE(listing.versions.at(3).signature.has_value());
}

TEST(BaseListingTest, OtherEntriesAndTheMarkerOfTheBaseAreNobodysBusiness) {
  const BaseListing listing = Read({"", "README.md", "latest/", "v1/", "1.0/", "1e3/", "0x10/",
                                    "1_0/", "\xd9\xa3/", "versions.json", "1.zip"});
  EXPECT_THAT(Paths(listing), IsEmpty());
  EXPECT_THAT(listing.problems, IsEmpty());
}

TEST(BaseListingTest, ANumericPlainFileIsReported) {
  const BaseListing listing = Read({"7", "8/"});
  EXPECT_THAT(Paths(listing), ElementsAre("8"));
  EXPECT_THAT(Problems(listing), HasSubstr("7: is a plain file"));
}

TEST(BaseListingTest, WhatOnlyLooksLikeANumberIsReported) {
  const std::vector<std::string> entries = {
      "+1/", "-1/", " 1/", "9223372036854775808/", "99999999999999999999/", "1\r\n/"};
  const BaseListing listing = Read(entries);
  EXPECT_THAT(Paths(listing), IsEmpty());
  EXPECT_EQ(listing.problems.size(), entries.size());
  EXPECT_THAT(Problems(listing), testing::Not(HasSubstr("\r")));
  EXPECT_THAT(Paths(Read({"9223372036854775807/", "0/"})), ElementsAre("0", "9223372036854775807"));
}

TEST(BaseListingTest, ANumberThatIsThereTwiceIsNotLoaded) {
  for (const auto& twice : std::vector<std::vector<std::string>>{
           {"1/", "01/"}, {"1/", "1.tar"}, {"1.tar", "1.tar.gz"}, {"001/", "01.tar.zst"}}) {
    std::vector<std::string> entries = twice;
    entries.push_back("2/");
    const BaseListing listing = Read(entries);
    EXPECT_THAT(Paths(listing), ElementsAre("2"));
    EXPECT_EQ(listing.problems.size(), 2U);
    EXPECT_THAT(Problems(listing), HasSubstr("version 1 is there twice"));
  }
}

TEST(BaseListingTest, OfTwoTheOnlyOneWithAManifestIsTheVersion) {
  const BaseListing listing = Read({"1/", "01/", "01.manifest.json"});
  EXPECT_THAT(Paths(listing), ElementsAre("01+"));
  EXPECT_THAT(Problems(listing), HasSubstr("1/: version 1 is there twice"));
  EXPECT_THAT(Problems(listing), HasSubstr("only 01/ is used"));
  EXPECT_THAT(Paths(Read({"1/", "01/", "01.manifest.json", "1.manifest.json"})), IsEmpty());
  // One manifest, but it names both.
  EXPECT_THAT(Paths(Read({"1/", "1.tar", "1.manifest.json"})), IsEmpty());
  EXPECT_THAT(Paths(Read({"1/", "01/", "01.manifest.json"}, ManifestMode::kIgnored)), IsEmpty());
}

TEST(BaseListingTest, WhatWasOfferedBeforeStaysWhenASecondNameTurnsUp) {
  const BaseListing listing = Read({"1/", "01/"}, ManifestMode::kPreferred, {{1, "1"}});
  EXPECT_THAT(Paths(listing), ElementsAre("1"));
  EXPECT_THAT(Problems(listing), HasSubstr("01/: version 1 is there twice"));
}

TEST(BaseListingTest, AManifestWithoutItsVersionIsReported) {
  const BaseListing listing = Read({"3.manifest.json", "03/"});
  EXPECT_THAT(Paths(listing), ElementsAre("03"));
  EXPECT_THAT(Problems(listing), HasSubstr("3.manifest.json: is a manifest without its version"));
  EXPECT_THAT(Read({"3.manifest.json"}, ManifestMode::kIgnored).problems, IsEmpty());
}

TEST(BaseListingTest, ABucketsRootCanBeTheBase) {
  Listing listing;
  listing.prefixes = {"1/"};
  listing.objects = {{"2.tar", 1, "t"}};
  EXPECT_THAT(Paths(ReadBaseListing(listing, "", ManifestMode::kPreferred, {})),
              ElementsAre("1", "2.tar"));
}

TEST(BaseListingTest, EntriesTwiceInAListingCountOnceAndStrangersNotAtAll) {
  Listing listing;
  listing.prefixes = {"models/m/1/", "models/m/1/", "models/m2/7/"};
  const BaseListing read = ReadBaseListing(listing, kBase, ManifestMode::kPreferred, {});
  EXPECT_THAT(Paths(read), ElementsAre("1"));
  EXPECT_THAT(read.problems, IsEmpty());
}

// Every number, written with every count of zeros in front, is found under its own name.
TEST(BaseListingTest, NamesAreReadBackWhateverTheirZeros) {
  for (int64_t number = 1; number < (int64_t{1} << 60); number *= 7) {
    for (int zeros = 0; zeros < 4; ++zeros) {
      const std::string name = absl::StrCat(std::string(static_cast<size_t>(zeros), '0'), number);
      for (const char* suffix : {"/", ".tar", ".tar.gz", ".tar.zst"}) {
        const BaseListing listing =
            Read({name + suffix, ManifestName(name)}, ManifestMode::kRequired);
        ASSERT_EQ(listing.versions.size(), 1U) << name << suffix;
        EXPECT_EQ(listing.versions.begin()->first, number);
        EXPECT_EQ(listing.versions.begin()->second.name.name, name);
        EXPECT_TRUE(listing.versions.begin()->second.manifest.has_value());
      }
    }
  }
}

}  // namespace
}  // namespace tfserving_remote

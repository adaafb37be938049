// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/manifest/version_name.h"

#include <gtest/gtest.h>

#include <limits>

namespace tfserving_remote {
namespace {

TEST(VersionNameTest, ReadsNumbersUpToTheLargest) {
  EXPECT_EQ(ParseVersionNumber("0"), 0);
  EXPECT_EQ(ParseVersionNumber("0000001"), 1);
  EXPECT_EQ(ParseVersionNumber("00000000000000000000000001"), 1);
  EXPECT_EQ(ParseVersionNumber("9223372036854775807"), std::numeric_limits<int64_t>::max());
}

TEST(VersionNameTest, RefusesWhatIsNoPlainNumber) {
  for (const char* name : {"", "+1", "-1", "1e3", " 1", "1 ", "٣", "0x1", "1.0", "a",
                           "9223372036854775808", "99999999999999999999"}) {
    EXPECT_EQ(ParseVersionNumber(name), std::nullopt) << name;
  }
}

TEST(VersionNameTest, TellsFoldersFromArchivesAndFromPlainFiles) {
  const auto folder = VersionName::Parse("0000007/");
  ASSERT_TRUE(folder.has_value());
  EXPECT_EQ(folder->number, 7);
  EXPECT_EQ(folder->name, "0000007");
  EXPECT_EQ(folder->packing, VersionPacking::kFolder);
  EXPECT_EQ(folder->PathName(), "0000007");
  for (VersionPacking packing :
       {VersionPacking::kTar, VersionPacking::kTarGz, VersionPacking::kTarZst}) {
    const std::string entry = "7" + std::string(PackingSuffix(packing));
    const auto archive = VersionName::Parse(entry);
    ASSERT_TRUE(archive.has_value()) << entry;
    EXPECT_EQ(archive->packing, packing);
    EXPECT_EQ(archive->name, "7");
    EXPECT_EQ(archive->PathName(), entry);
  }
  for (const char* entry : {"7", "7//", "/", ".tar", "x.tar", "7.tar/", "7.tgz", "7.manifest.json",
                            "a/7/", "7.tar.gz.tmp"}) {
    EXPECT_FALSE(VersionName::Parse(entry).has_value()) << entry;
  }
}

TEST(VersionNameTest, KnowsManifestsByTheirNames) {
  EXPECT_EQ(ManifestName("0000007"), "0000007.manifest.json");
  EXPECT_EQ(ParseManifestName("0000007.manifest.json"), "0000007");
  EXPECT_EQ(ParseManifestName("7.manifest.json.tmp"), std::nullopt);
  EXPECT_EQ(ParseManifestName("x.manifest.json"), std::nullopt);
  EXPECT_EQ(ParseManifestName(".manifest.json"), std::nullopt);
  EXPECT_EQ(ParseManifestName("7.manifest.sig"), std::nullopt);
}

TEST(VersionNameTest, KnowsSignaturesByTheirNames) {
  EXPECT_EQ(SignatureName("0000007"), "0000007.manifest.sig");
  EXPECT_EQ(ParseSignatureName("0000007.manifest.sig"), "0000007");
  EXPECT_EQ(ParseSignatureName("7.manifest.json"), std::nullopt);
  EXPECT_EQ(ParseSignatureName("7.manifest.sig.old"), std::nullopt);
  EXPECT_EQ(ParseSignatureName(".manifest.sig"), std::nullopt);
}

}  // namespace
}  // namespace tfserving_remote

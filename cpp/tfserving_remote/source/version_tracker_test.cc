// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/version_tracker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tfserving_remote {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr absl::Time kStart = absl::UnixEpoch();

/// A listing of the base path "m/"; entries with a trailing '/' are folders, the others objects
/// with `tag`.
Listing Base(const std::vector<std::string>& entries, const std::string& tag = "t") {
  Listing listing;
  for (const std::string& entry : entries) {
    if (entry.back() == '/') {
      listing.prefixes.push_back(absl::StrCat("m/", entry));
    } else {
      listing.objects.push_back({absl::StrCat("m/", entry), entry == "9.tar" ? 0U : 7U, tag});
    }
  }
  return listing;
}

class VersionTrackerTest : public testing::Test {
 protected:
  /// Takes `listing` in; folders that are asked for show `files`, with `tag`. Returns the folders.
  std::vector<std::string> Observe(const Listing& listing,
                                   const std::vector<std::string>& files = {"saved_model.pb"},
                                   const std::string& tag = "t") {
    std::vector<std::string> asked;
    for (const ListedVersion& version : tracker_.Observe(listing, "m/", now_)) {
      const std::string folder = absl::StrCat("m/", version.name.name, "/");
      std::vector<ObjectInfo> objects;
      for (const std::string& file : files) objects.push_back({folder + file, 3, tag});
      tracker_.ObserveFolder(version, folder, objects, now_);
      asked.push_back(version.name.name);
    }
    return asked;
  }

  std::vector<std::string> Complete() const {
    std::vector<std::string> paths;
    for (const auto& [number, version] : tracker_.complete()) {
      paths.push_back(version.name.PathName());
    }
    return paths;
  }

  std::string Problems() const {
    return absl::StrJoin(tracker_.problems(), "\n", [](std::string* out, const VersionProblem& p) {
      absl::StrAppend(out, p.entry, ": ", p.reason);
    });
  }

  void Use(ManifestMode mode, VersionContentsKind contents = VersionContentsKind::kSavedModel) {
    tracker_ = VersionTracker({mode, contents}, Recheck());
  }
  static BackoffOptions Recheck() { return {absl::Seconds(1), absl::Seconds(30), 2.0, 0.0}; }

  VersionTracker tracker_{{}, Recheck()};
  absl::Time now_ = kStart;
};

TEST_F(VersionTrackerTest, IgnoringManifestsTheFirstListingCounts) {
  Use(ManifestMode::kIgnored);
  EXPECT_THAT(Observe(Base({"1/", "2.tar", "2.manifest.json"})), IsEmpty());
  EXPECT_THAT(Complete(), ElementsAre("1", "2.tar"));
}

TEST_F(VersionTrackerTest, RequiringManifestsOnlyThoseWithOneCount) {
  Use(ManifestMode::kRequired);
  EXPECT_THAT(Observe(Base({"1/", "1.manifest.json", "2/", "3.tar"})), IsEmpty());
  EXPECT_THAT(Complete(), ElementsAre("1"));
  EXPECT_THAT(Problems(), HasSubstr("2/: has no manifest"));
  EXPECT_THAT(Problems(), HasSubstr("3.tar: has no manifest"));
  Observe(Base({"1/", "2/", "2.manifest.json"}));
  EXPECT_THAT(Complete(), ElementsAre("2")) << "a manifest taken away withdraws its version";
}

TEST_F(VersionTrackerTest, AManifestMakesAVersionCompleteAtOnce) {
  EXPECT_THAT(Observe(Base({"1/", "1.manifest.json", "2.tar", "2.manifest.json"})), IsEmpty());
  EXPECT_THAT(Complete(), ElementsAre("1", "2.tar"));
  EXPECT_FALSE(tracker_.awaits_confirmation());
}

TEST_F(VersionTrackerTest, WithoutAManifestTwoListingsMustAgree) {
  EXPECT_THAT(Observe(Base({"1/"})), ElementsAre("1"));
  EXPECT_THAT(Complete(), IsEmpty());
  EXPECT_TRUE(tracker_.awaits_confirmation());
  EXPECT_THAT(Problems(), HasSubstr("1/: looks complete"));
  Observe(Base({"1/"}), {"saved_model.pb"}, "another tag");
  EXPECT_THAT(Complete(), IsEmpty());
  Observe(Base({"1/"}), {"saved_model.pb", "assets/a"}, "another tag");
  EXPECT_THAT(Complete(), IsEmpty());
  Observe(Base({"1/"}), {"saved_model.pb", "assets/a"}, "another tag");
  EXPECT_THAT(Complete(), ElementsAre("1"));
  EXPECT_FALSE(tracker_.awaits_confirmation());
  EXPECT_THAT(tracker_.problems(), IsEmpty());
}

TEST_F(VersionTrackerTest, FilesOfAnotherKindNeedNoGraphButTwoListingsAlike) {
  Use(ManifestMode::kPreferred, VersionContentsKind::kAnyFiles);
  Observe(Base({"1/"}), {"table.csv"});
  EXPECT_THAT(Complete(), IsEmpty());
  Observe(Base({"1/"}), {"table.csv"});
  EXPECT_THAT(Complete(), ElementsAre("1"));
}

TEST_F(VersionTrackerTest, AFolderThatHoldsOnlyFolderMarkersIsNotComplete) {
  Use(ManifestMode::kPreferred, VersionContentsKind::kAnyFiles);
  Observe(Base({"1/"}), {"", "tables/"});
  Observe(Base({"1/"}), {"", "tables/"});
  EXPECT_THAT(Complete(), IsEmpty());
  EXPECT_THAT(Problems(), HasSubstr("1/: not complete: there are no files"));
}

TEST_F(VersionTrackerTest, ACompleteVersionIsNotLookedIntoAgain) {
  Observe(Base({"1/"}));
  Observe(Base({"1/"}));
  EXPECT_THAT(Observe(Base({"1/", "2/"})), ElementsAre("2"));
  EXPECT_THAT(Complete(), ElementsAre("1"));
}

TEST_F(VersionTrackerTest, AnArchiveMustShowTheSameSizeAndTagTwice) {
  Observe(Base({"1.tar"}, "a"));
  Observe(Base({"1.tar"}, "b"));
  EXPECT_THAT(Complete(), IsEmpty());
  Observe(Base({"1.tar"}, "b"));
  EXPECT_THAT(Complete(), ElementsAre("1.tar"));
}

TEST_F(VersionTrackerTest, AnEmptyArchiveIsNotComplete) {
  for (int i = 0; i < 3; ++i) Observe(Base({"9.tar"}));
  EXPECT_THAT(Complete(), IsEmpty());
  EXPECT_THAT(Problems(), HasSubstr("9.tar: not complete: the archive is empty"));
}

TEST_F(VersionTrackerTest, AHalfCopiedVersionWaitsForItsFilesWithoutHoldingOthersBack) {
  Observe(Base({"1/", "2/", "1.manifest.json"}), {"saved_model.pb", "variables/variables.index"});
  Observe(Base({"1/", "2/", "1.manifest.json"}), {"saved_model.pb", "variables/variables.index"});
  EXPECT_THAT(Complete(), ElementsAre("1"));
  EXPECT_FALSE(tracker_.awaits_confirmation());
  EXPECT_THAT(Problems(), HasSubstr("variables.data-00000-of-* is missing"));
}

TEST_F(VersionTrackerTest, AVersionThatStaysHalfCopiedIsLookedIntoLessAndLess) {
  int looks = 0;
  for (int second = 0; second < 600; ++second) {
    now_ = kStart + absl::Seconds(second);
    looks += static_cast<int>(Observe(Base({"1/"}), {"assets/a"}).size());
  }
  EXPECT_EQ(looks, 25) << "at 0, 1, 2, 4, 8, 16, 32 and then every 30 s";
}

TEST_F(VersionTrackerTest, FoldersAreLookedIntoNewestFirst) {
  EXPECT_THAT(Observe(Base({"10/", "9/", "0011/"})), ElementsAre("0011", "10", "9"));
}

TEST_F(VersionTrackerTest, AVersionThatVanishedMustProveItselfAgain) {
  Observe(Base({"1/", "2/"}));
  Observe(Base({"1/", "2/"}));
  Observe(Base({"1/"}));
  EXPECT_THAT(Complete(), ElementsAre("1"));
  Observe(Base({"1/", "2/"}));
  EXPECT_THAT(Complete(), ElementsAre("1"));
  Observe(Base({"1/", "2/"}));
  EXPECT_THAT(Complete(), ElementsAre("1", "2"));
}

TEST_F(VersionTrackerTest, ACompleteVersionStaysWhenASecondNameOfItsNumberTurnsUp) {
  Observe(Base({"1/"}));
  Observe(Base({"1/"}));
  Observe(Base({"1/", "01/"}));
  EXPECT_THAT(Complete(), ElementsAre("1"));
  Observe(Base({"1/", "01/", "01.manifest.json"}));
  EXPECT_THAT(Complete(), ElementsAre("01")) << "the publisher's word counts more";
}

}  // namespace
}  // namespace tfserving_remote

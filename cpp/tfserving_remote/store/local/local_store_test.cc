// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/local/local_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/testing/object_store_conformance.h"

namespace tfserving_remote {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A fresh folder, removed at the end.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string path = (fs::temp_directory_path() / "local_store_XXXXXX").string();
    path_ = mkdtemp(path.data());
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string path() const { return path_; }

 private:
  std::string path_;
};

void WriteFile(const std::string& path, const std::string& bytes) {
  fs::create_directories(fs::path(path).parent_path());
  // As publishers should: a new file under the old name.
  std::ofstream(path + ".new", std::ios::binary) << bytes;
  fs::rename(path + ".new", path);
}

class LocalSubject final : public StoreUnderTest {
 public:
  ObjectStore& store() override { return store_; }
  void Put(const std::string& key, const std::string& bytes) override { WriteFile(key, bytes); }
  void Delete(const std::string& key) override { fs::remove(key); }
  std::string Root() override { return folder_.path() + "/"; }
  bool AnyKey() override { return false; }

 private:
  ScratchFolder folder_;
  LocalStore store_;
};

INSTANTIATE_TEST_SUITE_P(Local, ObjectStoreConformance,
                         ::testing::Values(StoreFactory{"Local", [](std::string&) {
                                                          return std::make_unique<LocalSubject>();
                                                        }}));

class LocalStoreTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& relative) const { return folder_.path() + "/" + relative; }

  ScratchFolder folder_;
  LocalStore store_;
};

TEST_F(LocalStoreTest, AMissingFolderIsNotFoundAndAFileIsNoFolder) {
  EXPECT_TRUE(absl::IsNotFound(store_.List(Path("m/"), ListDepth::kOneLevel, {}).status()));
  WriteFile(Path("m"), "x");
  EXPECT_TRUE(absl::IsNotFound(store_.List(Path("m/"), ListDepth::kOneLevel, {}).status()));
}

TEST_F(LocalStoreTest, AFolderIsNoObject) {
  fs::create_directories(Path("m/1"));
  const absl::Status status = store_.Head(Path("m/1"), {}).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("is a folder"));
  EXPECT_TRUE(absl::IsNotFound(store_.ReadAll(Path("m/1"), 10, {}).status()));
}

TEST_F(LocalStoreTest, FollowsLinksAsMountedVolumesNeed) {
  WriteFile(Path("data/1/saved_model.pb"), "x");
  fs::create_directories(Path("m"));
  fs::create_symlink("../data/1", Path("m/1"));
  fs::create_symlink("../data/1/saved_model.pb", Path("m/link"));
  const absl::StatusOr<Listing> listing = store_.List(Path("m/"), ListDepth::kRecursive, {});
  ASSERT_TRUE(listing.ok()) << listing.status();
  ASSERT_EQ(listing->objects.size(), 2u);
  EXPECT_EQ(listing->objects[0].key, Path("m/1/saved_model.pb"));
  EXPECT_EQ(listing->objects[1].key, Path("m/link"));
}

TEST_F(LocalStoreTest, LinksInACircleAndToNowhereDoNoHarm) {
  WriteFile(Path("m/1/a"), "x");
  fs::create_symlink("..", Path("m/1/up"));
  fs::create_symlink("self", Path("m/self"));
  fs::create_symlink("nowhere", Path("m/dangling"));
  const absl::StatusOr<Listing> listing = store_.List(Path("m/"), ListDepth::kRecursive, {});
  ASSERT_TRUE(listing.ok()) << listing.status();
  ASSERT_EQ(listing->objects.size(), 1u);
}

TEST_F(LocalStoreTest, PipesAreNeitherListedNorWaitedFor) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(store_.List(Path(""), ListDepth::kOneLevel, {})->objects, IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(store_.ReadAll(Path("pipe"), 10, {}).status()));
}

TEST_F(LocalStoreTest, AFileThatGrowsIsNoLongerTheSame) {
  WriteFile(Path("a"), "hello");
  const std::string tag = store_.Head(Path("a"), {})->tag;
  std::ofstream(Path("a"), std::ios::app) << "!";
  char byte;
  EXPECT_TRUE(
      absl::IsFailedPrecondition(store_.Read(Path("a"), tag, 0, absl::MakeSpan(&byte, 1), {})));
}

TEST_F(LocalStoreTest, EmptyFoldersShowInOneLevel) {
  fs::create_directories(Path("m/7"));
  EXPECT_THAT(store_.List(Path("m/"), ListDepth::kOneLevel, {})->prefixes,
              ElementsAre(Path("m/7/")));
}

TEST_F(LocalStoreTest, RefusesPathsThatAreNotAbsolute) {
  EXPECT_TRUE(absl::IsInvalidArgument(store_.Head("m/1", {}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(store_.List("", ListDepth::kOneLevel, {}).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(store_.Head(absl::string_view("/etc/passwd\0x", 13), {}).status()));
}

TEST_F(LocalStoreTest, StopsAtItsLimits) {
  for (int i = 0; i < 5; ++i) WriteFile(Path(absl::StrCat("m/", i)), "x");
  LocalStore few({/*max_listed_objects=*/3, /*max_depth=*/64});
  EXPECT_TRUE(absl::IsResourceExhausted(few.List(Path("m/"), ListDepth::kRecursive, {}).status()));
  WriteFile(Path("deep/1/2/3/x"), "x");
  LocalStore shallow({/*max_listed_objects=*/100, /*max_depth=*/2});
  EXPECT_TRUE(
      absl::IsResourceExhausted(shallow.List(Path("deep/"), ListDepth::kRecursive, {}).status()));
}

}  // namespace
}  // namespace tfserving_remote

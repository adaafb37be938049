// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/remote_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensorflow/core/platform/env.h"
#include "tfserving_remote/stream/test_versions.h"
#include "tfserving_remote/stream/transfer_pool.h"

namespace tfserving_remote {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class RemoteFileSystemTest : public ::testing::Test {
 protected:
  RemoteFileSystemTest() {
    const auto store = std::make_shared<MemoryStore>();
    PutFiles(*store, "m/3/",
             {{"saved_model.pb", "graph"},
              {"assets/a/words.txt", "one\ntwo\n"},
              {"variables/variables.data-00000-of-00001", "0123456789"},
              {"variables/variables.index", "index"}});
    reader_ = *OpenVersion({store, "m/", "3"}, {}, CreateTransferPool({}), {});
    mount_ = *MountVersion(reader_, "m/3");
  }

  std::string Path(const std::string& relative) const {
    return mount_->export_dir() + "/" + relative;
  }

  tensorflow::Env* const env_ = tensorflow::Env::Default();
  std::shared_ptr<VersionReader> reader_;
  std::unique_ptr<Mount> mount_;
};

TEST_F(RemoteFileSystemTest, KnowsFilesAndFolders) {
  for (const char* path : {"", "saved_model.pb", "assets", "assets/", "assets/a", "variables"}) {
    EXPECT_TRUE(env_->FileExists(Path(path)).ok()) << path;
  }
  for (const char* path : {"saved_model", "asset", "saved_model.pb/x", "nothing"}) {
    EXPECT_TRUE(absl::IsNotFound(env_->FileExists(Path(path)))) << path;
  }
  EXPECT_TRUE(env_->IsDirectory(Path("assets")).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(env_->IsDirectory(Path("saved_model.pb"))));
  EXPECT_TRUE(absl::IsNotFound(env_->IsDirectory(Path("nothing"))));
  tensorflow::FileStatistics stat;
  ASSERT_TRUE(env_->Stat(Path("saved_model.pb"), &stat).ok());
  EXPECT_EQ(stat.length, 5);
  EXPECT_FALSE(stat.is_directory);
  ASSERT_TRUE(env_->Stat(Path("assets"), &stat).ok());
  EXPECT_TRUE(stat.is_directory);
}

TEST_F(RemoteFileSystemTest, ListsFoldersAndMatchesPatterns) {
  std::vector<std::string> names;
  ASSERT_TRUE(env_->GetChildren(Path(""), &names).ok());
  EXPECT_THAT(names, UnorderedElementsAre("assets", "saved_model.pb", "variables"));
  ASSERT_TRUE(env_->GetChildren(Path("assets"), &names).ok());
  EXPECT_THAT(names, ElementsAre("a"));
  EXPECT_TRUE(absl::IsNotFound(env_->GetChildren(Path("nothing"), &names)));
  ASSERT_TRUE(env_->GetMatchingPaths(Path("variables/variables.data-*"), &names).ok());
  EXPECT_THAT(names, ElementsAre(Path("variables/variables.data-00000-of-00001")));
  ASSERT_TRUE(env_->GetMatchingPaths(Path("v*"), &names).ok());
  EXPECT_THAT(names, ElementsAre(Path("variables")));
  ASSERT_TRUE(env_->GetMatchingPaths(Path("variables/variables.index"), &names).ok());
  EXPECT_THAT(names, ElementsAre(Path("variables/variables.index")));
  ASSERT_TRUE(env_->GetMatchingPaths(Path("nothing*"), &names).ok());
  EXPECT_THAT(names, ElementsAre());
}

TEST_F(RemoteFileSystemTest, GivesTheShorterPieceAtTheEndOfAFile) {
  std::unique_ptr<tensorflow::RandomAccessFile> file;
  ASSERT_TRUE(
      env_->NewRandomAccessFile(Path("variables/variables.data-00000-of-00001"), &file).ok());
  std::string scratch(6, '\0');
  absl::string_view result;
  EXPECT_TRUE(file->Read(4, result, absl::MakeSpan(scratch)).ok());
  EXPECT_EQ(result, "456789");
  EXPECT_TRUE(absl::IsOutOfRange(file->Read(7, result, absl::MakeSpan(scratch))));
  EXPECT_EQ(result, "789");
  EXPECT_TRUE(absl::IsOutOfRange(file->Read(10, result, absl::MakeSpan(scratch))));
  EXPECT_EQ(result, "");
  EXPECT_TRUE(absl::IsOutOfRange(file->Read(99, result, absl::MakeSpan(scratch))));
  EXPECT_TRUE(file->Read(10, result, absl::Span<char>()).ok());
}

TEST_F(RemoteFileSystemTest, ReadsWholeFiles) {
  std::string text;
  ASSERT_TRUE(tensorflow::ReadFileToString(env_, Path("assets/a/words.txt"), &text).ok());
  EXPECT_EQ(text, "one\ntwo\n");
  std::unique_ptr<tensorflow::ReadOnlyMemoryRegion> region;
  ASSERT_TRUE(env_->NewReadOnlyMemoryRegionFromFile(Path("saved_model.pb"), &region).ok());
  EXPECT_EQ(absl::string_view(static_cast<const char*>(region->data()), region->length()), "graph");
}

TEST_F(RemoteFileSystemTest, CannotBeWrittenTo) {
  std::unique_ptr<tensorflow::WritableFile> file;
  EXPECT_TRUE(absl::IsPermissionDenied(env_->NewWritableFile(Path("x"), &file)));
  EXPECT_TRUE(absl::IsPermissionDenied(env_->NewAppendableFile(Path("x"), &file)));
  EXPECT_TRUE(absl::IsPermissionDenied(env_->DeleteFile(Path("saved_model.pb"))));
  EXPECT_TRUE(absl::IsPermissionDenied(env_->CreateDir(Path("x"))));
  EXPECT_TRUE(absl::IsPermissionDenied(env_->RecursivelyCreateDir(Path("x/y"))));
  EXPECT_TRUE(absl::IsPermissionDenied(env_->DeleteDir(Path("assets"))));
  EXPECT_TRUE(absl::IsPermissionDenied(env_->RenameFile(Path("saved_model.pb"), Path("x"))));
  int64_t files = 0, folders = 0;
  EXPECT_TRUE(absl::IsPermissionDenied(env_->DeleteRecursively(Path("assets"), &files, &folders)));
}

TEST_F(RemoteFileSystemTest, AnOpenFileOutlivesItsMountAndNothingElseDoes) {
  std::unique_ptr<tensorflow::RandomAccessFile> file;
  ASSERT_TRUE(env_->NewRandomAccessFile(Path("saved_model.pb"), &file).ok());
  const std::string path = Path("saved_model.pb");
  mount_.reset();
  reader_.reset();
  std::string scratch(5, '\0');
  absl::string_view result;
  EXPECT_TRUE(file->Read(0, result, absl::MakeSpan(scratch)).ok());
  EXPECT_TRUE(absl::IsNotFound(env_->FileExists(path)));
  EXPECT_TRUE(absl::IsNotFound(env_->FileExists("remote://x/y")));
  EXPECT_TRUE(absl::IsNotFound(env_->FileExists("remote://")));
}

TEST_F(RemoteFileSystemTest, MountsOfOneVersionAreApart) {
  const std::unique_ptr<Mount> other = *MountVersion(reader_, "m/3");
  EXPECT_NE(other->export_dir(), mount_->export_dir());
  EXPECT_TRUE(env_->FileExists(other->export_dir() + "/saved_model.pb").ok());
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
// The sources on file systems that TensorFlow has: local folders and its own in memory.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/platform/path.h"
#include "tensorflow_serving/sources/storage_path/file_system_storage_path_source.h"
#include "tensorflow_serving/sources/storage_path/static_storage_path_source.h"
#include "tensorflow_serving/sources/storage_path/storage_path_test_support.h"
#include "tensorflow_serving/util/file_probing_env.h"

namespace tensorflow {
namespace serving {
namespace {

using internal::FileSystemStoragePathSourceTestAccess;
using test_util::ConfigOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class FileSystemsTest : public ::testing::TestWithParam<const char*> {
 protected:
  FileSystemsTest()
      : root_(absl::StrCat(GetParam() == std::string("local")
                               ? io::JoinPath(::testing::TempDir(), "storage_path_sources")
                               : GetParam(),
                           "_", Env::Default()->NowMicros())) {
    AddFolder("");
  }
  ~FileSystemsTest() override { Delete(""); }

  std::string PathOf(const std::string& name) const {
    return name.empty() ? root_ : io::JoinPath(root_, name);
  }
  void AddFolder(const std::string& name) {
    ASSERT_TRUE(Env::Default()->RecursivelyCreateDir(PathOf(name)).ok());
  }
  void AddFile(const std::string& name) {
    ASSERT_TRUE(WriteStringToFile(Env::Default(), PathOf(name), "four").ok());
  }
  void Delete(const std::string& name) {
    int64_t undeleted_files = 0;
    int64_t undeleted_dirs = 0;
    ASSERT_TRUE(
        Env::Default()->DeleteRecursively(PathOf(name), &undeleted_files, &undeleted_dirs).ok());
  }

  const std::string root_;
};

TEST_P(FileSystemsTest, AreProbed) {
  AddFolder("m/1");
  AddFile("m/x");
  TensorflowFileProbingEnv env(Env::Default());
  EXPECT_TRUE(env.FileExists(PathOf("m")).ok());
  EXPECT_TRUE(absl::IsNotFound(env.FileExists(PathOf("n"))));
  std::vector<std::string> children = {"left over"};
  EXPECT_TRUE(env.GetChildren(PathOf("m"), &children).ok());
  EXPECT_THAT(children, UnorderedElementsAre("1", "x"));
  EXPECT_TRUE(env.IsDirectory(PathOf("m/1")).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(env.IsDirectory(PathOf("m/x"))));
  uint64_t size = 0;
  EXPECT_TRUE(env.GetFileSize(PathOf("m/x"), &size).ok());
  EXPECT_EQ(size, 4);
}

TEST_P(FileSystemsTest, AreWatched) {
  test_util::Heard heard;
  std::unique_ptr<FileSystemStoragePathSource> source;
  ASSERT_TRUE(
      FileSystemStoragePathSource::Create(ConfigOf(-1, {{"m", PathOf("m")}}), &source).ok());
  source->SetAspiredVersionsCallback(heard.callback());
  FileSystemStoragePathSourceTestAccess access(source.get());
  EXPECT_FALSE(access.PollFileSystemAndInvokeCallback().ok());
  AddFolder("m/0001");
  AddFile("m/7");
  EXPECT_TRUE(access.PollFileSystemAndInvokeCallback().ok());
  EXPECT_THAT(heard.Take(), ElementsAre(absl::StrCat("m: 1=", PathOf("m/0001"))));
  AddFolder("m/2");
  EXPECT_TRUE(access.PollFileSystemAndInvokeCallback().ok());
  EXPECT_THAT(heard.Take(), ElementsAre(absl::StrCat("m: 2=", PathOf("m/2"))));
  Delete("m");
  EXPECT_FALSE(access.PollFileSystemAndInvokeCallback().ok());
  EXPECT_THAT(heard.Take(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Schemes, FileSystemsTest, ::testing::Values("local", "ram://sources"));

TEST(StaticStoragePathSourceTest, CallsBackOnceFromInside) {
  StaticStoragePathSourceConfig config;
  config.set_servable_name("m");
  config.set_version_num(42);
  config.set_version_path("/m/forty-two");
  std::unique_ptr<StaticStoragePathSource> source;
  ASSERT_TRUE(StaticStoragePathSource::Create(config, &source).ok());
  test_util::Heard heard;
  source->SetAspiredVersionsCallback(heard.callback());
  EXPECT_THAT(heard.Take(), ElementsAre("m: 42=/m/forty-two"));
}

TEST(StaticStoragePathSourceTest, RefusesANegativeVersion) {
  StaticStoragePathSourceConfig config;
  config.set_version_num(-1);
  std::unique_ptr<StaticStoragePathSource> source;
  EXPECT_TRUE(absl::IsInvalidArgument(StaticStoragePathSource::Create(config, &source)));
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

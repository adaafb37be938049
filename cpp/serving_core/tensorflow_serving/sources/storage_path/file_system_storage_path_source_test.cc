// SPDX-License-Identifier: Apache-2.0
// Tests that poll step by step; those of its thread stand in *_concurrency_test.cc.
#include "tensorflow_serving/sources/storage_path/file_system_storage_path_source.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/log/log_entry.h"
#include "absl/log/log_sink.h"
#include "absl/log/log_sink_registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/sources/storage_path/storage_path_test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using internal::FileSystemStoragePathSourceTestAccess;
using test_util::AddServable;
using test_util::ConfigOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Config = FileSystemStoragePathSourceConfig;

class FileSystemStoragePathSourceTest : public ::testing::Test {
 protected:
  void Watch(const Config& config) {
    ASSERT_TRUE(FileSystemStoragePathSource::Create(config, &source_).ok());
    FileSystemStoragePathSourceTestAccess(source_.get()).SetProbingEnv(files_.MakeEnv());
    source_->SetAspiredVersionsCallback(heard_.callback());
  }
  absl::Status Poll() {
    return FileSystemStoragePathSourceTestAccess(source_.get()).PollFileSystemAndInvokeCallback();
  }
  std::vector<std::string> PollAndTake() {
    EXPECT_TRUE(Poll().ok());
    return heard_.Take();
  }

  test_util::FakeFiles files_;
  test_util::Heard heard_;
  std::unique_ptr<FileSystemStoragePathSource> source_;
};

TEST_F(FileSystemStoragePathSourceTest, SendsEveryListAtEveryPollInTheOrderOfNames) {
  Watch(ConfigOf(-1, {{"z", "/z"}, {"a", "/a"}}));
  for (const char* path : {"/z", "/z/1", "/a", "/a/0002"}) files_.AddFolder(path);
  EXPECT_THAT(heard_.Take(), IsEmpty());
  EXPECT_THAT(PollAndTake(), ElementsAre("a: 2=/a/0002", "z: 1=/z/1"));
  EXPECT_THAT(PollAndTake(), ElementsAre("a: 2=/a/0002", "z: 1=/z/1"));
}

TEST_F(FileSystemStoragePathSourceTest, GoesBackToTheOlderVersionWhenTheNewestIsDeleted) {
  Watch(ConfigOf(-1, {{"m", "/m"}}));
  for (const char* path : {"/m", "/m/1", "/m/2"}) files_.AddFolder(path);
  EXPECT_THAT(PollAndTake(), ElementsAre("m: 2=/m/2"));
  files_.Remove("/m/2");
  EXPECT_THAT(PollAndTake(), ElementsAre("m: 1=/m/1"));
  files_.AddFolder("/m/3");
  EXPECT_THAT(PollAndTake(), ElementsAre("m: 3=/m/3"));
}

TEST_F(FileSystemStoragePathSourceTest, KeepsWhatServesWhenAllVersionsAreGone) {
  Watch(ConfigOf(-1, {{"m", "/m"}}));
  for (const char* path : {"/m", "/m/1"}) files_.AddFolder(path);
  EXPECT_THAT(PollAndTake(), ElementsAre("m: 1=/m/1"));
  files_.Remove("/m/1");
  EXPECT_THAT(PollAndTake(), IsEmpty());
  files_.AddFolder("/m/2");
  EXPECT_THAT(PollAndTake(), ElementsAre("m: 2=/m/2"));
}

TEST_F(FileSystemStoragePathSourceTest, ABrokenBasePathConcernsNoOtherServable) {
  Watch(ConfigOf(-1, {{"a", "/a"}, {"m", "/m"}, {"z", "/z"}}));
  for (const char* path : {"/a", "/a/1", "/z", "/z/1"}) files_.AddFolder(path);
  const absl::Status status = Poll();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("Could not find base path /m for servable m with error"));
  EXPECT_THAT(heard_.Take(), ElementsAre("a: 1=/a/1", "z: 1=/z/1"));
}

TEST_F(FileSystemStoragePathSourceTest, KeepsWhatServesWhenTheListingFails) {
  Watch(ConfigOf(-1, {{"m", "/m"}}));
  for (const char* path : {"/m", "/m/1"}) files_.AddFolder(path);
  EXPECT_THAT(PollAndTake(), ElementsAre("m: 1=/m/1"));
  files_.FailListings(absl::UnavailableError("try again"));
  EXPECT_EQ(Poll().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(heard_.Take(), IsEmpty());
}

TEST_F(FileSystemStoragePathSourceTest, UnloadsAllWhenNoVersionIsWanted) {
  Config config = ConfigOf(-1, {{"m", "/m"}});
  config.mutable_servables(0)->mutable_servable_version_policy()->mutable_specific();
  Watch(config);
  EXPECT_FALSE(Poll().ok());
  EXPECT_THAT(heard_.Take(), IsEmpty());
  files_.AddFolder("/m");
  EXPECT_THAT(PollAndTake(), ElementsAre("m:"));
}

TEST_F(FileSystemStoragePathSourceTest, SendsAnEmptyListForWhatLeftTheConfiguration) {
  Watch(ConfigOf(-1, {{"a", "/a"}, {"m", "/m"}, {"z", "/z"}}));
  ASSERT_TRUE(source_->UpdateConfig(ConfigOf(-1, {{"m", "/m"}, {"new", "/new"}})).ok());
  EXPECT_THAT(heard_.Take(), ElementsAre("a:", "z:"));
  EXPECT_EQ(source_->config().servables_size(), 2);
  EXPECT_EQ(source_->config().servables(1).servable_name(), "new");
}

TEST_F(FileSystemStoragePathSourceTest, FollowsAChangedEntryAtTheNextPoll) {
  Watch(ConfigOf(-1, {{"m", "/m"}}));
  for (const char* path : {"/m", "/m/1", "/m/2", "/n", "/n/1"}) files_.AddFolder(path);
  Config config = ConfigOf(-1, {{"m", "/m"}});
  config.mutable_servables(0)->mutable_servable_version_policy()->mutable_all();
  ASSERT_TRUE(source_->UpdateConfig(config).ok());
  EXPECT_THAT(heard_.Take(), IsEmpty());
  EXPECT_THAT(PollAndTake(), ElementsAre("m: 1=/m/1 2=/m/2"));
  ASSERT_TRUE(source_->UpdateConfig(ConfigOf(-1, {{"m", "/n"}})).ok());
  EXPECT_THAT(PollAndTake(), ElementsAre("m: 1=/n/1"));
}

TEST_F(FileSystemStoragePathSourceTest, TakesTheFirstOfTwoEntriesOfOneName) {
  Watch(ConfigOf(-1, {{"m", "/m"}, {"m", "/n"}}));
  for (const char* path : {"/m", "/m/1", "/n", "/n/2"}) files_.AddFolder(path);
  EXPECT_THAT(PollAndTake(), ElementsAre("m: 1=/m/1"));
}

TEST_F(FileSystemStoragePathSourceTest, ForgetsWhatAPollFoundForAnEntryThatIsGone) {
  Watch(ConfigOf(-1, {{"a", "/a"}, {"m", "/m"}}));
  for (const char* path : {"/a", "/a/1", "/m", "/m/1"}) files_.AddFolder(path);
  files_.OnLookFor([this](absl::string_view path) {
    if (path == "/m") {
      EXPECT_TRUE(source_->UpdateConfig(ConfigOf(-1, {{"a", "/a"}})).ok());
    }
  });
  EXPECT_THAT(PollAndTake(), ElementsAre("a: 1=/a/1", "m:"));
}

TEST_F(FileSystemStoragePathSourceTest, NotifiesTestsAfterEachCallback) {
  Watch(ConfigOf(-1, {{"a", "/a"}, {"m", "/m"}}));
  for (const char* path : {"/a", "/a/1", "/m", "/m/1"}) files_.AddFolder(path);
  std::vector<size_t> heard_by_then;
  FileSystemStoragePathSourceTestAccess(source_.get()).SetAspiredVersionsCallbackNotifier([&] {
    heard_by_then.push_back(heard_.Take().size());
  });
  EXPECT_TRUE(Poll().ok());
  EXPECT_THAT(heard_by_then, ElementsAre(1, 1));
}

TEST_F(FileSystemStoragePathSourceTest, MayChangeThePeriodBeforeItPolls) {
  Watch(ConfigOf(-1, {{"m", "/m"}}));
  ASSERT_TRUE(source_->UpdateConfig(ConfigOf(7, {{"m", "/m"}})).ok());
  EXPECT_EQ(source_->config().file_system_poll_wait_seconds(), 7);
}

class ErrorLog : public absl::LogSink {
 public:
  ErrorLog() { absl::AddLogSink(this); }
  ~ErrorLog() override { absl::RemoveLogSink(this); }
  void Send(const absl::LogEntry& entry) override {
    if (entry.log_severity() == absl::LogSeverity::kError) {
      lines_.emplace_back(entry.text_message());
    }
  }
  std::vector<std::string> Take() { return std::exchange(lines_, {}); }

 private:
  std::vector<std::string> lines_;
};

TEST_F(FileSystemStoragePathSourceTest, LogsAnErrorOnlyWhenItChanges) {
  Watch(ConfigOf(-1, {{"m", "/m"}}));
  ErrorLog errors;
  EXPECT_FALSE(Poll().ok());
  EXPECT_THAT(errors.Take(), ElementsAre(HasSubstr("encountered a filesystem access error: Could "
                                                   "not find base path /m for servable m")));
  EXPECT_FALSE(Poll().ok());
  EXPECT_THAT(errors.Take(), IsEmpty());
  files_.AddFolder("/m");
  files_.FailListings(absl::PermissionDeniedError("not for you"));
  EXPECT_FALSE(Poll().ok());
  EXPECT_THAT(errors.Take(), ElementsAre(HasSubstr("not for you")));
  files_.Remove("/m");
  EXPECT_FALSE(Poll().ok());
  EXPECT_THAT(errors.Take(), ElementsAre(HasSubstr("Could not find base path /m")));
}

TEST_F(FileSystemStoragePathSourceTest, RefusesToUnloadWhereVersionsAreAlwaysPresent) {
  Watch(ConfigOf(-1, {{"m", "/m"}}));
  for (const char* path : {"/m", "/m/1"}) files_.AddFolder(path);
  Config config = ConfigOf(-1, {{"m", "/m"}});
  config.set_servable_versions_always_present(true);
  ASSERT_TRUE(source_->UpdateConfig(config).ok());
  EXPECT_THAT(PollAndTake(), ElementsAre("m: 1=/m/1"));
  files_.Remove("/m/1");
  ErrorLog errors;
  EXPECT_THAT(PollAndTake(), IsEmpty());
  EXPECT_THAT(errors.Take(),
              ElementsAre(HasSubstr("Refusing to unload all versions for Servable: m")));
}

class VersionsAtStartupTest : public FileSystemStoragePathSourceTest,
                              public ::testing::WithParamInterface<const char*> {
 protected:
  // The deprecated field, too.
  static Config Demanding(Config config) {
    config.GetReflection()->SetBool(&config, config.GetDescriptor()->FindFieldByName(GetParam()),
                                    true);
    return config;
  }
};

TEST_P(VersionsAtStartupTest, AreWantedOfEveryServable) {
  Watch(ConfigOf(-1, {{"a", "/a"}}));
  for (const char* path : {"/a", "/a/1", "/m"}) files_.AddFolder(path);
  const Config wanted = Demanding(ConfigOf(-1, {{"a", "/a"}, {"m", "/m"}}));
  const absl::Status status = source_->UpdateConfig(wanted);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "Unable to find a numerical version path for servable m at: /m");
  EXPECT_EQ(source_->config().servables_size(), 1);
  files_.Remove("/m");
  EXPECT_THAT(source_->UpdateConfig(wanted).message(), HasSubstr("Could not find base path /m"));
  files_.AddFolder("/m");
  files_.AddFolder("/m/1");
  EXPECT_TRUE(source_->UpdateConfig(wanted).ok());
}

TEST_P(VersionsAtStartupTest, AreWantedByCreate) {
  const Config wanted = Demanding(ConfigOf(-1, {{"m", "/no/such/folder"}}));
  const absl::Status status = FileSystemStoragePathSource::Create(wanted, &source_);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(source_, nullptr);
}

INSTANTIATE_TEST_SUITE_P(Flags, VersionsAtStartupTest,
                         ::testing::Values("fail_if_zero_versions_at_startup",
                                           "servable_versions_always_present"));

}  // namespace
}  // namespace serving
}  // namespace tensorflow

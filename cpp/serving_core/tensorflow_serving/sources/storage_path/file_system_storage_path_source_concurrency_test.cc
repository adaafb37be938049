// SPDX-License-Identifier: Apache-2.0
// Tests of the polling thread, and of callbacks that block.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/sources/storage_path/file_system_storage_path_source.h"
#include "tensorflow_serving/sources/storage_path/storage_path_test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using internal::FileSystemStoragePathSourceTestAccess;
using test_util::ConfigOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Nobody waits for it.
constexpr int64_t kVeryLong = 1000000;

class PollingTest : public ::testing::Test {
 protected:
  PollingTest() {
    for (const char* path : {"/a", "/a/1", "/m", "/m/1", "/n", "/n/5"}) files_.AddFolder(path);
  }

  void Create(const FileSystemStoragePathSourceConfig& config) {
    ASSERT_TRUE(FileSystemStoragePathSource::Create(config, &source_).ok());
    FileSystemStoragePathSourceTestAccess(source_.get()).SetProbingEnv(files_.MakeEnv());
  }
  void Watch(const FileSystemStoragePathSourceConfig& config) {
    Create(config);
    source_->SetAspiredVersionsCallback(heard_.callback());
  }

  test_util::FakeFiles files_;
  test_util::Heard heard_;
  // For threads of the source, which outlive the test's body.
  absl::Notification go_on_;
  std::unique_ptr<FileSystemStoragePathSource> source_;
};

TEST_F(PollingTest, PollsAtOnceAndAgain) {
  Watch(ConfigOf(1, {{"m", "/m"}}));
  EXPECT_THAT(heard_.Await(1), ElementsAre("m: 1=/m/1"));
  files_.AddFolder("/m/2");
  EXPECT_THAT(heard_.Await(1), ElementsAre("m: 2=/m/2"));
}

TEST_F(PollingTest, PollsEachEntryOnceWithoutAPeriod) {
  Watch(ConfigOf(0, {{"m", "/m"}}));
  EXPECT_THAT(heard_.Await(1), ElementsAre("m: 1=/m/1"));
  files_.AddFolder("/m/2");
  ASSERT_TRUE(source_->UpdateConfig(ConfigOf(0, {{"m", "/m"}, {"a", "/a"}})).ok());
  EXPECT_THAT(heard_.Await(1), ElementsAre("a: 1=/a/1"));
  ASSERT_TRUE(source_->UpdateConfig(ConfigOf(0, {{"m", "/n"}, {"a", "/a"}})).ok());
  EXPECT_THAT(heard_.Await(1), ElementsAre("m: 5=/n/5"));
}

TEST_F(PollingTest, PollsNewEntriesWithoutWaitingForThePeriod) {
  Watch(ConfigOf(kVeryLong, {{"m", "/m"}}));
  EXPECT_THAT(heard_.Await(1), ElementsAre("m: 1=/m/1"));
  ASSERT_TRUE(source_->UpdateConfig(ConfigOf(kVeryLong, {{"m", "/m"}, {"a", "/a"}})).ok());
  EXPECT_THAT(heard_.Await(1), ElementsAre("a: 1=/a/1"));
}

TEST_F(PollingTest, NeverPollsWithANegativePeriod) {
  Watch(ConfigOf(-1, {{"m", "/m"}}));
  ASSERT_TRUE(source_->UpdateConfig(ConfigOf(-1, {{"m", "/n"}})).ok());
  source_.reset();
  EXPECT_THAT(heard_.Take(), IsEmpty());
  EXPECT_EQ(files_.num_listings(), 0);
}

TEST_F(PollingTest, RefusesAnotherPeriod) {
  Watch(ConfigOf(0, {{"m", "/m"}}));
  const absl::Status status = source_->UpdateConfig(ConfigOf(1, {{"a", "/a"}}));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "Changing file_system_poll_wait_seconds is not supported");
  EXPECT_EQ(source_->config().servables(0).servable_name(), "m");
}

TEST_F(PollingTest, IgnoresASecondCallback) {
  const auto set_twice = [this] {
    Watch(ConfigOf(kVeryLong, {{"m", "/m"}}));
    source_->SetAspiredVersionsCallback(
        [](absl::string_view, std::vector<ServableData<StoragePath>>) { FAIL(); });
    ASSERT_TRUE(source_->UpdateConfig(ConfigOf(kVeryLong, {{"a", "/a"}})).ok());
    heard_.Await(1);
  };
  EXPECT_DEBUG_DEATH(set_twice(), "SetAspiredVersionsCallback\\(\\) called multiple times");
}

TEST_F(PollingTest, EndsWithoutWaitingForThePeriod) {
  Watch(ConfigOf(kVeryLong, {{"m", "/m"}}));
  heard_.Await(1);
  source_.reset();
}

TEST_F(PollingTest, ACallbackThatBlocksKeepsNobodyElseWaiting) {
  absl::Notification blocked;
  Create(ConfigOf(kVeryLong, {{"a", "/a"}, {"m", "/m"}}));
  source_->SetAspiredVersionsCallback(
      [&, record = heard_.callback()](absl::string_view name,
                                      std::vector<ServableData<StoragePath>> versions) {
        if (!blocked.HasBeenNotified()) blocked.Notify();
        go_on_.WaitForNotification();
        record(name, std::move(versions));
      });
  blocked.WaitForNotification();
  ASSERT_TRUE(source_->UpdateConfig(ConfigOf(kVeryLong, {{"m", "/m"}})).ok());
  ASSERT_TRUE(source_->UpdateConfig(ConfigOf(kVeryLong, {})).ok());
  EXPECT_EQ(source_->config().servables_size(), 0);
  EXPECT_THAT(heard_.Take(), IsEmpty());
  go_on_.Notify();
  EXPECT_THAT(heard_.Await(3), ElementsAre("a: 1=/a/1", "a:", "m:"));
}

TEST_F(PollingTest, ACallbackMayChangeTheConfiguration) {
  Create(ConfigOf(0, {{"m", "/m"}}));
  source_->SetAspiredVersionsCallback(
      [this, record = heard_.callback()](absl::string_view name,
                                         std::vector<ServableData<StoragePath>> versions) {
        if (name == "m") {
          EXPECT_TRUE(source_->UpdateConfig(ConfigOf(0, {{"a", "/a"}})).ok());
        }
        record(name, std::move(versions));
      });
  EXPECT_THAT(heard_.Await(3), ElementsAre("m: 1=/m/1", "m:", "a: 1=/a/1"));
}

TEST_F(PollingTest, TheEndWaitsForARunningCallback) {
  absl::Notification started;
  std::atomic<bool> over{false};
  Create(ConfigOf(0, {{"a", "/a"}, {"m", "/m"}}));
  source_->SetAspiredVersionsCallback(
      [&](absl::string_view name, std::vector<ServableData<StoragePath>>) {
        EXPECT_EQ(name, "a") << "nothing is told once the source is ending";
        started.Notify();
        go_on_.WaitForNotification();
        over = true;
      });
  started.WaitForNotification();
  absl::Notification ending;
  std::thread end([&] {
    ending.Notify();
    source_.reset();
    EXPECT_TRUE(over);
  });
  ending.WaitForNotification();
  go_on_.Notify();
  end.join();
}

TEST_F(PollingTest, ABasePathThatHangsKeepsNoOtherWaiting) {
  files_.OnLookFor([&](absl::string_view path) {
    if (path == "/a") go_on_.WaitForNotification();
  });
  Create(ConfigOf(0, {{"a", "/a"}, {"m", "/m"}}));
  FileSystemStoragePathSourceTestAccess(source_.get()).LosePatience();
  source_->SetAspiredVersionsCallback(heard_.callback());
  EXPECT_THAT(heard_.Await(1), ElementsAre("m: 1=/m/1"));
  // Another base path is looked at without waiting for the one that hangs.
  ASSERT_TRUE(source_->UpdateConfig(ConfigOf(0, {{"a", "/n"}, {"m", "/m"}})).ok());
  EXPECT_THAT(heard_.Await(1), ElementsAre("a: 5=/n/5"));
  go_on_.Notify();
}

TEST_F(PollingTest, TellsWhatASlowBasePathHeldInTheEnd) {
  files_.OnLookFor([&](absl::string_view path) {
    if (path == "/a") go_on_.WaitForNotification();
  });
  Create(ConfigOf(kVeryLong, {{"a", "/a"}, {"m", "/m"}}));
  FileSystemStoragePathSourceTestAccess(source_.get()).LosePatience();
  source_->SetAspiredVersionsCallback(heard_.callback());
  EXPECT_THAT(heard_.Await(1), ElementsAre("m: 1=/m/1"));
  go_on_.Notify();
  EXPECT_THAT(heard_.Await(1), ElementsAre("a: 1=/a/1"));
}

TEST(GrowingThreadsTest, MakesAThreadOnlyForWorkThatWouldWait) {
  absl::Notification all_done;
  absl::Notification go_on;
  internal::GrowingThreads threads(internal::DefaultEnv(), "test");
  const auto nothing = [] {};
  threads.Run(nothing, [&] {
    threads.Run(nothing, [&] { threads.Run(nothing, [&] { all_done.Notify(); }); });
  });
  all_done.WaitForNotification();
  EXPECT_EQ(threads.size(), 1);
  absl::Notification first_hangs;
  threads.Run(
      [&] {
        first_hangs.Notify();
        go_on.WaitForNotification();
      },
      nothing);
  first_hangs.WaitForNotification();
  threads.Run([&] { go_on.Notify(); }, nothing);
  go_on.WaitForNotification();
  EXPECT_EQ(threads.size(), 2);
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/config_file_poller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/testing/fake_clock.h"
#include "tfserving_remote/testing/recording_log.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ConfigFilePollerTest : public ::testing::Test {
 protected:
  ConfigFilePollerTest() {
    Write("first");
    ConfigFilePoller::Options options;
    options.path = path_;
    options.wait = absl::Seconds(5);
    options.applied.mutable_model_config_list()->add_config()->set_name("first");
    options.apply = [this](const tfs::ModelServerConfig& config) { return Apply(config); };
    poller_ = std::make_unique<ConfigFilePoller>(std::move(options), clock_, log_);
  }
  ~ConfigFilePollerTest() override { std::remove(path_.c_str()); }

  void Write(const std::string& model, const std::string& comment = "") {
    WriteText(
        absl::StrCat("# ", comment, "\nmodel_config_list { config { name: '", model, "' } }"));
  }
  void WriteText(const std::string& text) {
    std::ofstream(path_ + ".new") << text;
    std::rename((path_ + ".new").c_str(), path_.c_str());
  }
  /// One look at the file, from beginning to end.
  void Poll() {
    clock_.WaitForSleepers(1);
    clock_.Advance(absl::Seconds(5));
    clock_.WaitForSleepers(1);
  }
  absl::Status Apply(const tfs::ModelServerConfig& config) {
    absl::MutexLock lock(&mu_);
    tried_.push_back(config.model_config_list().config(0).name());
    return status_;
  }
  void Answer(absl::Status status) {
    absl::MutexLock lock(&mu_);
    status_ = std::move(status);
  }
  std::vector<std::string> Tried() {
    absl::MutexLock lock(&mu_);
    return std::exchange(tried_, {});
  }

  const std::string path_ =
      absl::StrCat(::testing::TempDir(), "/polled_",
                   ::testing::UnitTest::GetInstance()->current_test_info()->name(), ".config");
  FakeClock clock_;
  RecordingLog log_;
  absl::Mutex mu_;
  std::vector<std::string> tried_ ABSL_GUARDED_BY(mu_);
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<ConfigFilePoller> poller_;
};

TEST_F(ConfigFilePollerTest, AppliesAFileThatSaysSomethingElse) {
  Poll();
  EXPECT_THAT(Tried(), IsEmpty());
  Write("second");
  Poll();
  EXPECT_THAT(Tried(), ElementsAre("second"));
  Poll();
  EXPECT_THAT(Tried(), IsEmpty());
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(ConfigFilePollerTest, AFileThatIsOnlyWrittenAnotherWayIsTheSame) {
  Write("first", "a comment");
  Poll();
  EXPECT_THAT(Tried(), IsEmpty());
}

TEST_F(ConfigFilePollerTest, TriesARefusedConfigurationAgainAndTellsOfItOnce) {
  Answer(absl::FailedPreconditionError("label stable"));
  Write("second");
  Poll();
  Poll();
  EXPECT_THAT(Tried(), ElementsAre("second", "second"));
  EXPECT_EQ(log_.Count("PollFilesystemAndReloadConfig failed to ReloadConfig: label stable"), 1);
  Write("third");
  Poll();
  EXPECT_EQ(log_.Count("label stable"), 2);

  Answer(absl::OkStatus());
  Poll();
  Poll();
  EXPECT_THAT(Tried(), ElementsAre("third", "third"));
}

TEST_F(ConfigFilePollerTest, AFileThatCannotBeReadChangesNothingAndIsToldOnce) {
  WriteText("model_config_list {");
  Poll();
  Poll();
  EXPECT_THAT(Tried(), IsEmpty());
  EXPECT_EQ(log_.Count("Failed to read ModelServerConfig file: Invalid protobuf file:"), 1);
  std::remove(path_.c_str());
  Poll();
  EXPECT_EQ(log_.Count("Failed to read ModelServerConfig file: "), 2);
  Write("second");
  Poll();
  EXPECT_THAT(Tried(), ElementsAre("second"));
}

// What was applied last may by now be what a call has brought.
TEST_F(ConfigFilePollerTest, AFileThatIsBackAsItWasIsNotAppliedAgain) {
  std::remove(path_.c_str());
  Poll();
  Write("first");
  Poll();
  EXPECT_THAT(Tried(), IsEmpty());

  Answer(absl::InvalidArgumentError("no"));
  Write("second");
  Poll();
  Answer(absl::OkStatus());
  Write("first");
  Poll();
  EXPECT_THAT(Tried(), ElementsAre("second"));
  Write("second");
  Poll();
  EXPECT_THAT(Tried(), ElementsAre("second"));
}

}  // namespace
}  // namespace tfserving_remote

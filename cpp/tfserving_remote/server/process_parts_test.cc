// SPDX-License-Identifier: Apache-2.0
// Log of version states, worker pool, the check of TensorFlow's version.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "tfserving_remote/server/tensorflow_version.h"
#include "tfserving_remote/server/version_state_log.h"
#include "tfserving_remote/server/worker_pool.h"

namespace tfserving_remote {
namespace {

using tensorflow::serving::ServableState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Lines final : public LogSink {
 public:
  void Log(Severity severity, absl::string_view message) override {
    lines.push_back(std::string(severity == Severity::kError ? "E " : "I ") + std::string(message));
  }
  std::vector<std::string> lines;
};

class VersionStateLogTest : public ::testing::Test {
 protected:
  void Update(ServableState::ManagerState state, absl::Status health = {}) {
    log_.Update({{"m", 3}, state, std::move(health)}, now_);
  }
  absl::Time now_ = absl::UnixEpoch();
  Lines sink_;
  VersionStateLog log_{sink_};
};

TEST_F(VersionStateLogTest, TellsTheLifeOfAVersion) {
  Update(ServableState::ManagerState::kStart);
  Update(ServableState::ManagerState::kLoading);
  now_ += absl::Milliseconds(1250);
  Update(ServableState::ManagerState::kAvailable);
  Update(ServableState::ManagerState::kUnloading);
  Update(ServableState::ManagerState::kEnd);
  EXPECT_THAT(sink_.lines,
              ElementsAre("I model m version 3: loading",
                          "I model m version 3: available; it loaded in 1.25s",
                          "I model m version 3: unloading", "I model m version 3: unloaded"));
}

TEST_F(VersionStateLogTest, AFailureComesWithReasonAndAdviceOnce) {
  Update(ServableState::ManagerState::kLoading);
  Update(ServableState::ManagerState::kEnd, absl::DataLossError("chunk 7"));
  Update(ServableState::ManagerState::kEnd, absl::DataLossError("chunk 7"));
  ASSERT_EQ(sink_.lines.size(), 2u);
  EXPECT_EQ(sink_.lines[1],
            "E model m version 3: failed: DATA_LOSS: chunk 7; it cannot load as it is: publish it "
            "again, which is noticed by itself");
  Update(ServableState::ManagerState::kLoading);
  Update(ServableState::ManagerState::kEnd, absl::DataLossError("chunk 7"));
  EXPECT_EQ(sink_.lines.size(), 4u);
}

TEST(TensorFlowVersionTest, WantsTheMinorVersionItWasBuiltFor) {
  EXPECT_TRUE(CheckTensorFlowVersion("2.21.0", "2.21.3").ok());
  EXPECT_TRUE(CheckTensorFlowVersion().ok());
  const absl::Status status = CheckTensorFlowVersion("2.21.0", "2.20.1");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("pip install 'tensorflow~=2.21.0'"));
  EXPECT_THAT(VersionText(), HasSubstr("TensorFlow ModelServer: "));
  EXPECT_THAT(VersionText(), HasSubstr("\nTensorFlow Library: 2."));
}

TEST(WorkerPoolTest, RunsWhatIsQueuedBeforeItEnds) {
  std::atomic<int> runs{0};
  {
    absl::Notification go;
    WorkerPool pool(2);
    for (int i = 0; i < 10; ++i) {
      pool.Run([&] {
        go.WaitForNotification();
        ++runs;
      });
    }
    go.Notify();
  }
  EXPECT_EQ(runs, 10);
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/servable_state_monitor.h"

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/test_util/availability_test_util.h"

namespace tensorflow {
namespace serving {
namespace {

using ManagerState = ServableState::ManagerState;
using ::testing::ElementsAre;

class ServableStateMonitorTest : public ::testing::Test {
 protected:
  void Publish(const std::string& name, int64_t version, ManagerState state,
               const absl::Status& health = absl::OkStatus()) {
    bus_->Publish({{name, version}, state, health});
  }

  const std::shared_ptr<EventBus<ServableState>> bus_ = EventBus<ServableState>::CreateEventBus();
  ServableStateMonitor monitor_{bus_.get(), {/*max_count_log_events=*/2}};
};

TEST_F(ServableStateMonitorTest, RemembersTheLastStateOfEveryVersion) {
  EXPECT_FALSE(monitor_.GetState({"m", 1}));
  Publish("m", 1, ManagerState::kStart);
  Publish("m", 1, ManagerState::kEnd, absl::NotFoundError("gone"));
  Publish("m", 2, ManagerState::kAvailable);
  EXPECT_EQ(monitor_.GetState({"m", 1})->health, absl::NotFoundError("gone"));
  EXPECT_GT(monitor_.GetStateAndTime({"m", 2})->event_time_micros, 0);
  std::vector<int64_t> versions;
  for (const auto& version : monitor_.GetVersionStates("m")) versions.push_back(version.first);
  EXPECT_THAT(versions, ElementsAre(2, 1));
  EXPECT_THAT(monitor_.GetAvailableServableStates(), ElementsAre("m"));
  EXPECT_TRUE(monitor_.GetVersionStates("other").empty());
}

TEST_F(ServableStateMonitorTest, ForgetsEndedVersionsOnlyOnDemand) {
  Publish("m", 1, ManagerState::kEnd);
  Publish("m", 2, ManagerState::kLoading);
  Publish("n", 1, ManagerState::kEnd);
  EXPECT_EQ(monitor_.GetAllServableStates().size(), 2);
  EXPECT_EQ(monitor_.GetLiveServableStates().size(), 1);
  EXPECT_EQ(monitor_.GetLiveServableStates().at("m").size(), 1);
  monitor_.ForgetUnloadedServableStates();
  EXPECT_EQ(monitor_.GetAllServableStates().size(), 1);
  EXPECT_FALSE(monitor_.GetState({"m", 1}));
}

TEST_F(ServableStateMonitorTest, LogsTheNewestEvents) {
  for (int64_t version = 1; version <= 3; ++version) Publish("m", version, ManagerState::kStart);
  std::vector<int64_t> versions;
  for (const auto& entry : monitor_.GetBoundedLog()) versions.push_back(entry.state.id.version);
  EXPECT_THAT(versions, ElementsAre(2, 3));
}

TEST_F(ServableStateMonitorTest, NotifiesOnceWhenAllHaveAnswered) {
  std::vector<std::string> calls;
  monitor_.NotifyWhenServablesReachState(
      {ServableRequest::Specific("m", 1), ServableRequest::Latest("n")}, ManagerState::kAvailable,
      [&](bool reached, const std::map<ServableId, ManagerState>& states) {
        calls.push_back((reached ? "reached " : "failed ") + std::to_string(states.size()));
      });
  Publish("m", 1, ManagerState::kAvailable);
  Publish("n", 4, ManagerState::kLoading);
  EXPECT_TRUE(calls.empty());
  Publish("n", 3, ManagerState::kAvailable);
  Publish("n", 4, ManagerState::kAvailable);
  EXPECT_THAT(calls, ElementsAre("reached 2"));
}

TEST_F(ServableStateMonitorTest, ReportsAnEndInsteadOfTheGoal) {
  Publish("m", 1, ManagerState::kAvailable);
  Publish("m", 2, ManagerState::kEnd, absl::InternalError("broken"));
  std::map<ServableId, ManagerState> states;
  EXPECT_FALSE(monitor_.WaitUntilServablesReachState({ServableRequest::Latest("m")},
                                                     ManagerState::kAvailable, &states));
  EXPECT_EQ(states, (std::map<ServableId, ManagerState>{{{"m", 2}, ManagerState::kEnd}}));
  EXPECT_TRUE(monitor_.WaitUntilServablesReachState({ServableRequest::Specific("m", 2)},
                                                    ManagerState::kEnd));
}

TEST_F(ServableStateMonitorTest, WaitsAcrossThreadsAndGivesUpAtTheTimeout) {
  EXPECT_FALSE(monitor_.WaitUntilServablesReachStateWithTimeout(
      {ServableRequest::Latest("m")}, ManagerState::kAvailable, absl::ZeroDuration()));
  std::thread publisher([&] { Publish("m", 1, ManagerState::kAvailable); });
  EXPECT_TRUE(monitor_.WaitUntilServablesReachState({ServableRequest::Earliest("m")},
                                                    ManagerState::kAvailable));
  test_util::WaitUntilVersionsAvailable(monitor_, "m", {1});
  test_util::WaitUntilServableManagerStateIsOneOf(monitor_, {"m", 1}, {ManagerState::kAvailable});
  publisher.join();
}

TEST_F(ServableStateMonitorTest, NotifyMayUseTheMonitor) {
  std::vector<std::string> seen;
  monitor_.Notify([&](const ServableState& state) {
    seen.push_back(ServableState::ManagerStateString(monitor_.GetState(state.id)->manager_state));
  });
  Publish("m", 1, ManagerState::kStart);
  Publish("m", 1, ManagerState::kLoading);
  EXPECT_THAT(seen, ElementsAre("Start", "Loading"));
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

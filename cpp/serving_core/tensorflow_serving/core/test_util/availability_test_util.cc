// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/test_util/availability_test_util.h"

#include <algorithm>
#include <functional>
#include <set>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tensorflow {
namespace serving {
namespace test_util {
namespace {

// The monitor is const here, so there is nothing to be notified by.
void PollUntil(const std::function<bool()>& done) {
  while (!done()) absl::SleepFor(absl::Milliseconds(1));
}

}  // namespace

void WaitUntilServableManagerStateIsOneOf(const ServableStateMonitor& monitor,
                                          const ServableId& servable_id,
                                          const std::vector<ServableState::ManagerState>& states) {
  PollUntil([&] {
    const absl::optional<ServableState> state = monitor.GetState(servable_id);
    return state && std::find(states.begin(), states.end(), state->manager_state) != states.end();
  });
}

void WaitUntilVersionsAvailable(const ServableStateMonitor& monitor,
                                const std::string& servable_name,
                                const std::vector<int64_t>& versions) {
  const std::set<int64_t> wanted(versions.begin(), versions.end());
  PollUntil([&] {
    std::set<int64_t> available;
    for (const auto& [version, state_and_time] : monitor.GetVersionStates(servable_name)) {
      if (state_and_time.state.manager_state == ServableState::ManagerState::kAvailable) {
        available.insert(version);
      }
    }
    return available == wanted;
  });
}

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

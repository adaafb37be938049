// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/load_servables_fast.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tensorflow/core/platform/cpu_info.h"
#include "tensorflow_serving/core/target.h"

namespace tensorflow {
namespace serving {
namespace {

using StatesReached = std::map<ServableId, ServableState::ManagerState>;

absl::Status DescribeUnavailable(const ServableStateMonitor& monitor, const StatesReached& states) {
  int num_unavailable = 0;
  std::string reasons;
  for (const auto& [id, reached] : states) {
    if (reached == ServableState::ManagerState::kAvailable) continue;
    ++num_unavailable;
    const absl::optional<ServableState> state = monitor.GetState(id);
    absl::StrAppend(&reasons, id.DebugString(),
                    " due to error: ", state ? state->health.ToString() : "state forgotten", "}, ");
  }
  return absl::UnknownError(
      absl::StrCat(num_unavailable, " servable(s) did not become available: {", reasons, "}"));
}

absl::Status WaitUntilAvailable(ServableStateMonitor* monitor,
                                const std::vector<ServableRequest>& servables) {
  StatesReached states;
  const bool all_available = monitor->WaitUntilServablesReachState(
      servables, ServableState::ManagerState::kAvailable, &states);
  return all_available ? absl::OkStatus() : DescribeUnavailable(*monitor, states);
}

}  // namespace

namespace internal {

uint32_t DefaultNumInitialLoadThreads() { return 4 * port::NumSchedulableCPUs(); }

absl::Status ConnectSourcesWithFastInitialLoad(
    AspiredVersionsManager* manager, std::vector<Source<std::unique_ptr<Loader>>*> sources,
    const std::function<absl::Status()>& wait_until_loaded_fn, uint32_t num_threads) {
  const uint32_t usual_num_threads = GetManagerNumLoadThreads(manager);
  const std::function<void(uint32_t)> set_num_threads = SetManagerNumLoadThreadsNotifier(manager);
  set_num_threads(num_threads);
  for (Source<std::unique_ptr<Loader>>* const source : sources) {
    ConnectSourceToTarget(source, static_cast<Target<std::unique_ptr<Loader>>*>(manager));
  }
  absl::Status status = wait_until_loaded_fn();
  set_num_threads(usual_num_threads);
  return status;
}

}  // namespace internal

absl::Status ConnectSourceWithFastInitialLoad(AspiredVersionsManager* manager,
                                              Source<std::unique_ptr<Loader>>* source,
                                              ServableStateMonitor* servable_state_monitor,
                                              const std::vector<ServableRequest>& initial_servables,
                                              uint32_t num_threads) {
  return ConnectSourcesWithFastInitialLoad(manager, {source}, servable_state_monitor,
                                           initial_servables, num_threads);
}

absl::Status ConnectSourcesWithFastInitialLoad(
    AspiredVersionsManager* manager, std::vector<Source<std::unique_ptr<Loader>>*> sources,
    ServableStateMonitor* servable_state_monitor,
    const std::vector<ServableRequest>& initial_servables, uint32_t num_threads) {
  return internal::ConnectSourcesWithFastInitialLoad(
      manager, std::move(sources),
      [&] { return WaitUntilAvailable(servable_state_monitor, initial_servables); }, num_threads);
}

}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/servable_state_monitor.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"

namespace tensorflow {
namespace serving {
namespace {

using ManagerState = ServableState::ManagerState;

// What a waiting thread shares with its notifier, which may outlive the wait.
struct WaitResult {
  absl::Notification done;
  bool reached_goal_state = false;
  std::map<ServableId, ManagerState> states_reached;
};

}  // namespace

std::string ServableStateMonitor::ServableStateAndTime::DebugString() const {
  return absl::StrCat("state: {", state.DebugString(), "}, event_time_micros: ", event_time_micros);
}

ServableStateMonitor::ServableStateMonitor(EventBus<ServableState>* bus, const Options& options)
    : options_(options),
      subscription_(
          bus->Subscribe([this](const EventBus<ServableState>::EventAndTime& event_and_time) {
            PreHandleEvent(event_and_time);
            HandleEvent(event_and_time);
          })) {}

ServableStateMonitor::~ServableStateMonitor() = default;

void ServableStateMonitor::PreHandleEvent(
    const EventBus<ServableState>::EventAndTime& event_and_time) {}

const ServableStateMonitor::ServableStateAndTime* ServableStateMonitor::Find(
    const ServableId& id) const {
  const auto versions = states_.find(id.name);
  if (versions == states_.end()) return nullptr;
  const auto version = versions->second.find(id.version);
  return version == versions->second.end() ? nullptr : &version->second;
}

absl::optional<ServableState> ServableStateMonitor::GetState(const ServableId& servable_id) const {
  const absl::optional<ServableStateAndTime> state_and_time = GetStateAndTime(servable_id);
  if (!state_and_time) return absl::nullopt;
  return state_and_time->state;
}

absl::optional<ServableStateMonitor::ServableStateAndTime> ServableStateMonitor::GetStateAndTime(
    const ServableId& servable_id) const {
  absl::MutexLock lock(&mu_);
  const ServableStateAndTime* const found = Find(servable_id);
  if (found == nullptr) return absl::nullopt;
  return *found;
}

ServableStateMonitor::VersionMap ServableStateMonitor::GetVersionStates(
    const std::string& servable_name) const {
  absl::MutexLock lock(&mu_);
  const auto versions = states_.find(servable_name);
  return versions == states_.end() ? VersionMap() : versions->second;
}

ServableStateMonitor::ServableMap ServableStateMonitor::GetAllServableStates() const {
  absl::MutexLock lock(&mu_);
  return states_;
}

ServableStateMonitor::ServableMap ServableStateMonitor::GetLiveServableStates() const {
  ServableMap live;
  absl::MutexLock lock(&mu_);
  for (const auto& [name, versions] : states_) {
    for (const auto& [version, state_and_time] : versions) {
      if (state_and_time.state.manager_state == ManagerState::kEnd) continue;
      live[name].emplace(version, state_and_time);
    }
  }
  return live;
}

void ServableStateMonitor::ForgetUnloadedServableStates() {
  absl::MutexLock lock(&mu_);
  for (auto stream = states_.begin(); stream != states_.end();) {
    VersionMap& versions = stream->second;
    for (auto version = versions.begin(); version != versions.end();) {
      const bool ended = version->second.state.manager_state == ManagerState::kEnd;
      version = ended ? versions.erase(version) : std::next(version);
    }
    stream = versions.empty() ? states_.erase(stream) : std::next(stream);
  }
}

ServableStateMonitor::ServableSet ServableStateMonitor::GetAvailableServableStates() const {
  ServableSet available;
  absl::MutexLock lock(&mu_);
  for (const auto& [name, versions] : states_) {
    for (const auto& version : versions) {
      if (version.second.state.manager_state == ManagerState::kAvailable) available.insert(name);
    }
  }
  return available;
}

ServableStateMonitor::BoundedLog ServableStateMonitor::GetBoundedLog() const {
  absl::MutexLock lock(&mu_);
  return log_;
}

absl::optional<ServableId> ServableStateMonitor::FindAnswer(const ServableRequest& request,
                                                            ManagerState goal_state) const {
  const auto versions = states_.find(request.name);
  if (versions == states_.end()) return absl::nullopt;
  for (const auto& [version, state_and_time] : versions->second) {
    if (request.version && *request.version != version) continue;
    const ManagerState state = state_and_time.state.manager_state;
    if (state == goal_state || state == ManagerState::kEnd) {
      return ServableId{request.name, version};
    }
  }
  return absl::nullopt;
}

absl::optional<ServableStateMonitor::Verdict> ServableStateMonitor::Judge(
    const Waiter& waiter) const {
  Verdict verdict{waiter.notifier_fn, true, {}};
  for (const ServableRequest& request : waiter.servables) {
    const absl::optional<ServableId> answer = FindAnswer(request, waiter.goal_state);
    if (!answer) return absl::nullopt;
    const ManagerState state = Find(*answer)->state.manager_state;
    verdict.states_reached[*answer] = state;
    if (state != waiter.goal_state) verdict.reached_goal_state = false;
  }
  return verdict;
}

std::vector<ServableStateMonitor::Verdict> ServableStateMonitor::TakeVerdicts() {
  std::vector<Verdict> verdicts;
  std::vector<Waiter> still_waiting;
  for (Waiter& waiter : waiters_) {
    absl::optional<Verdict> verdict = Judge(waiter);
    if (verdict) {
      verdicts.push_back(*std::move(verdict));
    } else {
      still_waiting.push_back(std::move(waiter));
    }
  }
  waiters_.swap(still_waiting);
  return verdicts;
}

void ServableStateMonitor::Record(const ServableStateAndTime& state_and_time) {
  const ServableId& id = state_and_time.state.id;
  states_[id.name].insert_or_assign(id.version, state_and_time);
  if (options_.max_count_log_events == 0) return;
  while (log_.size() >= options_.max_count_log_events) log_.pop_front();
  log_.push_back(state_and_time);
}

void ServableStateMonitor::HandleEvent(
    const EventBus<ServableState>::EventAndTime& event_and_time) {
  std::vector<NotifyFn> notify_fns;
  std::vector<Verdict> verdicts;
  {
    absl::MutexLock lock(&mu_);
    Record({event_and_time.event, event_and_time.event_time_micros});
    verdicts = TakeVerdicts();
    notify_fns = notify_fns_;
  }
  for (const NotifyFn& notify_fn : notify_fns) notify_fn(event_and_time.event);
  for (const Verdict& verdict : verdicts) {
    verdict.notifier_fn(verdict.reached_goal_state, verdict.states_reached);
  }
}

void ServableStateMonitor::NotifyWhenServablesReachState(
    const std::vector<ServableRequest>& servables, ManagerState goal_state,
    const ServableStateNotifierFn& notifier_fn) {
  absl::optional<Verdict> verdict;
  {
    absl::MutexLock lock(&mu_);
    Waiter waiter{servables, goal_state, notifier_fn};
    verdict = Judge(waiter);
    if (!verdict) waiters_.push_back(std::move(waiter));
  }
  if (verdict) notifier_fn(verdict->reached_goal_state, verdict->states_reached);
}

bool ServableStateMonitor::WaitUntilServablesReachStateWithTimeout(
    const std::vector<ServableRequest>& servables, ManagerState goal_state, absl::Duration timeout,
    std::map<ServableId, ManagerState>* states_reached) {
  const auto result = std::make_shared<WaitResult>();
  NotifyWhenServablesReachState(servables, goal_state,
                                [result](bool reached, const StatesReached& states) {
                                  result->reached_goal_state = reached;
                                  result->states_reached = states;
                                  result->done.Notify();
                                });
  if (!result->done.WaitForNotificationWithTimeout(timeout)) return false;
  if (states_reached != nullptr) *states_reached = result->states_reached;
  return result->reached_goal_state;
}

bool ServableStateMonitor::WaitUntilServablesReachState(
    const std::vector<ServableRequest>& servables, ManagerState goal_state,
    std::map<ServableId, ManagerState>* states_reached) {
  return WaitUntilServablesReachStateWithTimeout(servables, goal_state, absl::InfiniteDuration(),
                                                 states_reached);
}

void ServableStateMonitor::Notify(const NotifyFn& notify_fn) {
  absl::MutexLock lock(&mu_);
  notify_fns_.push_back(notify_fn);
}

}  // namespace serving
}  // namespace tensorflow

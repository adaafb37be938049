// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/model_servers/model_availability.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tensorflow {
namespace serving {
namespace internal {
namespace {

using ManagerState = ServableState::ManagerState;
using ServableStateAndTime = ServableStateMonitor::ServableStateAndTime;

// Unloaded, or called off because it was no longer wanted. Either says nothing of those that are.
bool EndedAsWanted(const absl::Status& health) {
  return health.ok() ||
         (absl::IsCancelled(health) && health.message() == "Loading of servable cancelled");
}

bool IsPast(int64_t version, const ServableStateAndTime& state,
            const ServableStateMonitor::VersionMap& past) {
  const auto found = past.find(version);
  return found != past.end() && found->second.event_time_micros == state.event_time_micros &&
         found->second.state == state.state;
}

}  // namespace

ModelAvailability::ModelAvailability(EventBus<ServableState>* bus,
                                     const ServableStateMonitor* monitor)
    : monitor_(monitor),
      subscription_(bus->Subscribe([this](const EventBus<ServableState>::EventAndTime& event) {
        HandleEvent(event.event);
      })) {}

void ModelAvailability::SetModels(const std::set<std::string>& names) {
  std::map<std::string, VersionMap> now;
  for (const std::string& name : names) now[name] = monitor_->GetVersionStates(name);
  absl::MutexLock lock(&mu_);
  if (models_) {
    for (auto& [name, past] : *models_) {
      const auto model = now.find(name);
      if (model == now.end()) {
        Touch(name);
      } else {
        model->second = std::move(past);
      }
    }
  }
  models_ = std::move(now);
}

void ModelAvailability::HandleEvent(const ServableState& state) {
  absl::MutexLock lock(&mu_);
  Touch(state.id.name);
}

void ModelAvailability::Touch(const std::string& name) {
  for (Waiter* const waiter : waiters_) waiter->touched.insert(name);
}

absl::Status ModelAvailability::Await(const std::vector<ServableRequest>& models,
                                      absl::Time deadline) {
  Waiter waiter;
  for (const ServableRequest& request : models) {
    waiter.open.emplace(request.name, request);
    waiter.touched.insert(request.name);
  }
  {
    absl::MutexLock lock(&mu_);
    waiters_.insert(&waiter);
  }
  const bool in_time = JudgeUntilDecided(&waiter, deadline);
  {
    absl::MutexLock lock(&mu_);
    waiters_.erase(&waiter);
  }
  return Summarize(waiter, in_time);
}

bool ModelAvailability::JudgeUntilDecided(Waiter* waiter, absl::Time deadline) {
  const auto undecided = [waiter] {
    return std::any_of(waiter->open.begin(), waiter->open.end(), [waiter](const auto& request) {
      const auto verdict = waiter->verdicts.find(request.second.DebugString());
      return verdict == waiter->verdicts.end() || verdict->second.answer == Answer::kNotYet;
    });
  };
  while (undecided()) {
    const std::set<std::string> touched = AwaitTouched(waiter, deadline);
    if (touched.empty()) return false;
    for (const std::string& name : touched) JudgeAgain(name, waiter);
  }
  return true;
}

std::set<std::string> ModelAvailability::AwaitTouched(Waiter* waiter, absl::Time deadline) {
  std::set<std::string> touched;
  const auto any_touched = [waiter] { return !waiter->touched.empty(); };
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithDeadline(absl::Condition(&any_touched), deadline);
  touched.swap(waiter->touched);
  return touched;
}

void ModelAvailability::JudgeAgain(const std::string& name, Waiter* waiter) const {
  const auto [begin, end] = waiter->open.equal_range(name);
  for (auto request = begin; request != end;) {
    Verdict verdict = Judge(request->second);
    const bool available = verdict.answer == Answer::kAvailable;
    waiter->verdicts[request->second.DebugString()] = std::move(verdict);
    request = available ? waiter->open.erase(request) : std::next(request);
  }
}

ModelAvailability::Verdict ModelAvailability::Judge(const ServableRequest& request) const {
  VersionMap past;
  {
    absl::MutexLock lock(&mu_);
    if (models_) {
      const auto model = models_->find(request.name);
      if (model == models_->end()) {
        return {Answer::kFailed, absl::StrCat("{name: ", request.name, "}"),
                "NOT_FOUND: it is not in the configuration any more"};
      }
      past = model->second;
    }
  }
  return JudgeVersions(request, monitor_->GetVersionStates(request.name), past);
}

ModelAvailability::Verdict ModelAvailability::JudgeVersions(const ServableRequest& request,
                                                            const VersionMap& versions,
                                                            const VersionMap& past) {
  Verdict verdict{Answer::kNotYet, absl::StrCat("{name: ", request.name, "}"),
                  "no version was found yet"};
  bool on_its_way = false;
  for (const auto& [version, state_and_time] : versions) {  // the highest one first
    if (request.version && *request.version != version) continue;
    const ServableState& state = state_and_time.state;
    if (state.manager_state == ManagerState::kAvailable) return {Answer::kAvailable, "", ""};
    const bool ended = state.manager_state == ManagerState::kEnd;
    if (ended && (EndedAsWanted(state.health) || IsPast(version, state_and_time, past))) continue;
    // What stands behind a version that failed may never begin.
    on_its_way = on_its_way || state.manager_state == ManagerState::kLoading ||
                 (state.manager_state == ManagerState::kStart && verdict.answer != Answer::kFailed);
    if (verdict.answer == Answer::kFailed) continue;
    verdict.subject = state.id.DebugString();
    verdict.reason =
        ended ? state.health.ToString() : ServableState::ManagerStateString(state.manager_state);
    if (ended) verdict.answer = Answer::kFailed;
  }
  if (on_its_way) verdict.answer = Answer::kNotYet;
  return verdict;
}

absl::Status ModelAvailability::Summarize(const Waiter& waiter, bool in_time) {
  std::string reasons;
  for (const auto& request : waiter.open) {
    const auto found = waiter.verdicts.find(request.second.DebugString());
    if (found == waiter.verdicts.end()) continue;
    const Verdict& verdict = found->second;
    absl::StrAppend(
        &reasons, verdict.subject,
        verdict.answer == Answer::kFailed ? " due to error: " : " so far: ", verdict.reason, "}, ");
  }
  if (waiter.open.empty()) return absl::OkStatus();
  const std::string message = absl::StrCat(waiter.open.size(), " model(s) did not become available",
                                           in_time ? "" : " in time", ": {", reasons, "}");
  return in_time ? absl::UnknownError(message) : absl::DeadlineExceededError(message);
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/version_state_log.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/stream/load_ledger.h"

namespace tfserving_remote {
namespace {

using tensorflow::serving::ServableState;

// What an operator can do, and what happens by itself.
absl::string_view Advice(const absl::Status& status) {
  if (!LoadLedger::CanHeal(status)) {
    return "; it cannot load as it is: publish it again, which is noticed by itself";
  }
  switch (status.code()) {
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return "; check what the credentials may read; it is tried again with growing pauses";
    case absl::StatusCode::kResourceExhausted:
      return "; give the server more memory or let it serve fewer versions; it is tried again with "
             "growing pauses";
    default:
      return "; it is tried again with growing pauses while it is listed";
  }
}

}  // namespace

void VersionStateLog::Update(const ServableState& state, absl::Time at) {
  const bool failed = state.manager_state == ServableState::ManagerState::kEnd &&
                      !state.health.ok() && !absl::IsCancelled(state.health);
  const std::string text = Describe(state, at);
  if (text.empty()) return;
  sink_.Log(failed ? Severity::kError : Severity::kInfo,
            absl::StrCat("model ", state.id.name, " version ", state.id.version, ": ", text));
}

std::string VersionStateLog::Describe(const ServableState& state, absl::Time at) {
  absl::MutexLock lock(&mu_);
  switch (state.manager_state) {
    case ServableState::ManagerState::kStart:
      return "";  // The source told of it.
    case ServableState::ManagerState::kLoading:
      loading_since_[state.id] = at;
      return "loading";
    case ServableState::ManagerState::kAvailable: {
      told_failures_.erase(state.id);
      const auto since = loading_since_.find(state.id);
      if (since == loading_since_.end()) return "available";
      const absl::Duration took = at - since->second;
      loading_since_.erase(since);
      return absl::StrCat("available; it loaded in ",
                          absl::FormatDuration(absl::Trunc(took, absl::Milliseconds(1))));
    }
    case ServableState::ManagerState::kUnloading:
      return "unloading";
    case ServableState::ManagerState::kEnd:
      return DescribeEnd(state);
  }
  return "";
}

std::string VersionStateLog::DescribeEnd(const ServableState& state) {
  const bool was_loading = loading_since_.erase(state.id) > 0;
  if (state.health.ok()) {
    told_failures_.erase(state.id);
    return "unloaded";
  }
  absl::Status& told = told_failures_[state.id];
  if (!was_loading && told == state.health) return "";
  told = state.health;
  if (absl::IsCancelled(state.health)) return "cancelled while it loaded";
  return absl::StrCat("failed: ", state.health.ToString(absl::StatusToStringMode::kWithNoExtraData),
                      Advice(state.health));
}

}  // namespace tfserving_remote

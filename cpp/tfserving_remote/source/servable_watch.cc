// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/servable_watch.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tfserving_remote {
namespace {

using tensorflow::serving::ServableData;
using tensorflow::serving::ServableId;
using tensorflow::serving::StoragePath;

/// News about entries of one poll beyond these are summed up in one line.
constexpr int kMaxProblemLines = 10;
/// How many version numbers a message names.
constexpr size_t kMaxNumbers = 10;

template <typename Map>
std::string Newest(const Map& by_number) {
  std::vector<int64_t> numbers;
  for (auto entry = by_number.rbegin(); entry != by_number.rend(); ++entry) {
    if (numbers.size() == kMaxNumbers) break;
    numbers.push_back(entry->first);
  }
  const size_t more = by_number.size() - numbers.size();
  return absl::StrCat(by_number.size() == 1 ? "version " : "versions ",
                      absl::StrJoin(numbers, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " older ones") : "");
}

}  // namespace

absl::Status PollOptions::Validate() const {
  if (confirm_wait <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("poll: confirm_wait must be positive");
  }
  if (timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("poll: timeout must be positive");
  }
  for (const BackoffOptions* backoff : {&failure, &recheck}) {
    if (absl::Status status = backoff->Validate(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

ServableWatch::ServableWatch(std::string name, StorageUrl base, const CompletenessRule& rule,
                             PollOptions poll, const LoadRetryOptions& retry, const SourceEnv& env)
    : name_(std::move(name)),
      base_(std::move(base)),
      poll_(std::move(poll)),
      env_(env),
      scanner_(env.opener, base_, VersionTracker(rule, poll_.recheck)),
      retries_(retry, env.random) {
  status_.name = name_;
  status_.base_path = base_.ToString();
}

ServableWatch::Outcome ServableWatch::Poll(Cancellation* cancellation) {
  const absl::Time now = env_.clock.Now();
  const StoreCallOptions options = {cancellation, now + poll_.timeout};
  const VersionScanner::Result result = scanner_.Scan(now, options);
  Paths paths = result.base.ok() ? PathsNow() : Paths();
  const bool has_versions = !paths.empty();
  if (has_versions) ObserveFailures(paths, now, options);
  if (cancellation != nullptr && cancellation->cancelled()) {
    return {std::nullopt, absl::InfiniteDuration()};
  }
  const absl::Status verdict = Judge(result, has_versions);
  Outcome outcome;
  if (has_versions && (paths != offered_ || RetryIsDue(now))) {
    outcome.aspired = Offer(std::move(paths), now);
  }
  Report(verdict, result.base.ok(), now);
  outcome.wait = WaitAfter(result, has_versions, now);
  return outcome;
}

ServableSourceStatus ServableWatch::status() const {
  absl::MutexLock lock(&mu_);
  return status_;
}

void ServableWatch::ForgetFailures() {
  for (const auto& [number, path] : offered_) Forget(number);
}

void ServableWatch::Forget(int64_t number) {
  if (env_.ledger != nullptr) env_.ledger->Forget(name_, number);
  retries_.Forget(number);
  failures_.erase(number);
}

ServableWatch::Paths ServableWatch::PathsNow() const {
  Paths paths;
  for (const auto& [number, version] : scanner_.tracker().complete()) {
    paths[number] = base_.Child(version.name.PathName()).ToString();
  }
  return paths;
}

void ServableWatch::ObserveFailures(const Paths& paths, absl::Time now,
                                    const StoreCallOptions& options) {
  if (env_.ledger == nullptr) return;
  for (const auto& [number, path] : offered_) {
    // Gone, or other objects under the same number: old failures say nothing about these.
    const auto listed = paths.find(number);
    if (listed == paths.end() || listed->second != path) Forget(number);
  }
  for (const auto& [number, version] : scanner_.tracker().complete()) {
    const std::optional<LoadLedger::Failure> failure = env_.ledger->LastFailure(name_, number);
    if (!failure.has_value() || failure->status.ok()) {
      retries_.Forget(number);
      failures_.erase(number);
      continue;
    }
    failures_.insert_or_assign(number, *failure);
    retries_.Observe(number, *failure);
    if (!retries_.WantsFingerprint(number, now)) continue;
    const absl::StatusOr<std::string> fingerprint = scanner_.Fingerprint(version, options);
    // Without an answer it stays wanted.
    if (fingerprint.ok()) retries_.ObserveFingerprint(number, *fingerprint, now);
  }
}

bool ServableWatch::RetryIsDue(absl::Time now) const {
  return std::any_of(failures_.begin(), failures_.end(),
                     [this, now](const auto& failure) { return retries_.Due(failure.first, now); });
}

ServableWatch::AspiredVersions ServableWatch::Offer(Paths paths, absl::Time now) {
  if (paths != offered_) {
    env_.log.Log(Severity::kInfo, absl::StrCat("servable ", name_, ": complete are ", Newest(paths),
                                               " under ", base_.ToString()));
  }
  AspiredVersions aspired;
  aspired.reserve(paths.size());
  for (const auto& [number, path] : paths) {
    const ServableId id = {name_, number};
    const auto failure = failures_.find(number);
    if (failure == failures_.end()) {
      aspired.push_back(ServableData<StoragePath>(id, path));
    } else if (!retries_.Due(number, now)) {
      aspired.push_back(ServableData<StoragePath>(id, failure->second.status));
    } else {
      aspired.push_back(ServableData<StoragePath>(id, path));
      retries_.Offered(number, now);
      // Once a failure: a version that the policy does not choose is offered and never loaded.
      const std::string failures = absl::StrCat(failure->second.failures);
      if (!filter_.Admit(absl::StrCat("offer ", number), failures, now)) continue;
      env_.log.Log(
          Severity::kInfo,
          absl::StrCat("servable ", name_, ": offers version ", number, " again after ", failures,
                       " failed loads; the last: ", failure->second.status.message()));
    }
  }
  offered_ = std::move(paths);
  return aspired;
}

absl::Duration ServableWatch::WaitAfter(const VersionScanner::Result& result, bool has_versions,
                                        absl::Time now) {
  const bool once = poll_.wait == absl::ZeroDuration();
  absl::Duration wait = once ? poll_.confirm_wait : poll_.wait;
  if (!result.base.ok()) {
    return std::max(wait, BackoffPause(poll_.failure, ++failed_polls_, env_.random()));
  }
  failed_polls_ = 0;
  const bool unconfirmed = scanner_.tracker().awaits_confirmation();
  if (once && has_versions && !unconfirmed && result.folders.ok()) {
    return absl::InfiniteDuration();
  }
  if (unconfirmed) wait = std::min(wait, poll_.confirm_wait);
  // What is due has just been offered, and thereby put off.
  if (has_versions) wait = std::min(wait, retries_.NextDue() - now);
  return wait;
}

absl::Status ServableWatch::Judge(const VersionScanner::Result& result, bool has_versions) const {
  const std::string where =
      absl::StrCat("base path ", base_.ToString(), " for servable ", name_, " with error ");
  if (absl::IsNotFound(result.base)) {
    return absl::NotFoundError(
        absl::StrCat("Could not find ", where, result.base.message(), "; ", WhatServes()));
  }
  if (!result.base.ok()) {
    return absl::Status(
        result.base.code(),
        absl::StrCat("Could not list ", where, result.base.message(), "; ", WhatServes()));
  }
  if (!has_versions) return NoVersions();
  if (!result.folders.ok()) {
    return absl::Status(result.folders.code(),
                        absl::StrCat("Could not list a version below ", where,
                                     result.folders.message(), "; ", WhatServes()));
  }
  return absl::OkStatus();
}

absl::Status ServableWatch::NoVersions() const {
  const std::vector<VersionProblem> problems = scanner_.tracker().problems();
  std::string advice = "Did you forget to name your leaf directory as a number (eg. '/1/')?";
  if (!problems.empty()) {
    advice = absl::StrCat(problems.front().entry, ": ", problems.front().reason);
    if (problems.size() > 1) absl::StrAppend(&advice, " (and ", problems.size() - 1, " more)");
  } else if (!offered_.empty()) {
    advice = "To unload a model, remove it from the configuration.";
  }
  return absl::NotFoundError(absl::StrCat("No versions of servable ", name_,
                                          " found under base path ", base_.ToString(), "; ",
                                          WhatServes(), ". ", advice));
}

std::string ServableWatch::WhatServes() const {
  if (offered_.empty()) return "nothing is loaded until there is one";
  return absl::StrCat(Newest(offered_), offered_.size() == 1 ? " stays" : " stay");
}

void ServableWatch::Report(const absl::Status& verdict, bool listed, absl::Time now) {
  ServableSourceStatus status;
  {
    absl::MutexLock lock(&mu_);
    status = status_;
  }
  status.last_poll = now;
  status.last_error = verdict;
  if (listed) {
    status.last_success = env_.clock.Now();
    status.problems = scanner_.tracker().problems();
    LogProblems(status.problems, now);
    if (status.problems.size() > ServableSourceStatus::kMaxProblems) {
      status.problems.resize(ServableSourceStatus::kMaxProblems);
    }
  }
  status.versions.clear();
  for (const auto& [number, path] : offered_) status.versions.push_back(number);
  status.failed.clear();
  for (const auto& [number, failure] : failures_) {
    status.failed.push_back({number, failure.status, failure.failures, retries_.DueAt(number)});
  }
  LogVerdict(verdict, now);
  absl::MutexLock lock(&mu_);
  status_ = std::move(status);
}

void ServableWatch::LogVerdict(const absl::Status& verdict, absl::Time now) {
  if (verdict.ok() && !told_of_error_) return;
  // Messages hold attempts and request ids, so only the code tells whether this is news.
  if (!filter_.Admit("verdict", absl::StatusCodeToString(verdict.code()), now)) return;
  told_of_error_ = !verdict.ok();
  if (verdict.ok()) {
    env_.log.Log(Severity::kInfo, absl::StrCat("servable ", name_, ": base path ", base_.ToString(),
                                               " shows versions again"));
  } else {
    env_.log.Log(absl::IsNotFound(verdict) ? Severity::kWarning : Severity::kError,
                 verdict.message());
  }
}

void ServableWatch::LogProblems(const std::vector<VersionProblem>& problems, absl::Time now) {
  int news = 0;
  for (const VersionProblem& problem : problems) {
    if (!filter_.Admit(absl::StrCat("entry ", problem.entry), problem.reason, now)) continue;
    if (++news > kMaxProblemLines) continue;
    env_.log.Log(problem.pending ? Severity::kInfo : Severity::kWarning,
                 absl::StrCat("servable ", name_, ": ", base_.Child(problem.entry).ToString(), ": ",
                              problem.reason));
  }
  if (news > kMaxProblemLines) {
    env_.log.Log(Severity::kWarning, absl::StrCat("servable ", name_, ": ", news - kMaxProblemLines,
                                                  " more entries under ", base_.ToString(),
                                                  " are not loaded; the status page names them"));
  }
}

}  // namespace tfserving_remote

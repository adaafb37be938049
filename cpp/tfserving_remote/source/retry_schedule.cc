// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/retry_schedule.h"

#include <algorithm>

namespace tfserving_remote {

absl::Status LoadRetryOptions::Validate() const {
  for (const BackoffOptions* backoff : {&healable, &content, &recheck}) {
    if (absl::Status status = backoff->Validate(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

void RetrySchedule::Observe(int64_t version, const LoadLedger::Failure& failure) {
  Entry& entry = entries_[version];
  if (entry.failed_at == failure.at && entry.failures == failure.failures) return;
  entry.failed_at = failure.at;
  entry.failures = failure.failures;
  entry.can_heal = failure.can_heal;
  entry.attempts = std::max<int64_t>(1, failure.failures);
  entry.due = failure.at + Pause(entry);
  entry.failed_fingerprint = failure.fingerprint;
  entry.checks = 1;
  entry.next_check = failure.at + BackoffPause(options_.recheck, 1, /*random=*/0.0);
}

bool RetrySchedule::WantsFingerprint(int64_t version, absl::Time now) const {
  const auto found = entries_.find(version);
  if (found == entries_.end()) return false;
  const Entry& entry = found->second;
  return !entry.can_heal && !entry.failed_fingerprint.empty() && entry.next_check <= now;
}

void RetrySchedule::ObserveFingerprint(int64_t version, absl::string_view fingerprint,
                                       absl::Time now) {
  const auto found = entries_.find(version);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  entry.seen_fingerprint = std::string(fingerprint);
  if (fingerprint != entry.failed_fingerprint && fingerprint != entry.offered_fingerprint) {
    entry.due = std::min(entry.due, now);
  }
  entry.next_check = now + BackoffPause(options_.recheck, ++entry.checks, /*random=*/0.0);
}

bool RetrySchedule::Due(int64_t version, absl::Time now) const { return DueAt(version) <= now; }

void RetrySchedule::Offered(int64_t version, absl::Time now) {
  const auto found = entries_.find(version);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  ++entry.attempts;
  entry.due = now + Pause(entry);
  entry.offered_fingerprint = entry.seen_fingerprint;
}

absl::Time RetrySchedule::DueAt(int64_t version) const {
  const auto found = entries_.find(version);
  return found == entries_.end() ? absl::InfinitePast() : found->second.due;
}

absl::Time RetrySchedule::NextDue() const {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [version, entry] : entries_) next = std::min(next, entry.due);
  return next;
}

absl::Duration RetrySchedule::Pause(const Entry& entry) const {
  return BackoffPause(entry.can_heal ? options_.healable : options_.content, entry.attempts,
                      random_());
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SOURCE_RETRY_SCHEDULE_H_
#define TFSERVING_REMOTE_SOURCE_RETRY_SCHEDULE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tfserving_remote/base/backoff.h"
#include "tfserving_remote/stream/load_ledger.h"

namespace tfserving_remote {

/// How long a version that failed to load waits until it is offered again.
struct LoadRetryOptions {
  /// For reasons that can pass by themselves: a store error, a missing object.
  BackoffOptions healable = {absl::Seconds(1), absl::Seconds(60)};
  /// For content that is wrong. Long, since other objects are noticed at once; short enough that a
  /// failure that was judged too harshly does not need a restart.
  BackoffOptions content = {absl::Seconds(10), absl::Minutes(10)};
  /// How often the objects of wrong content are compared with those that failed.
  BackoffOptions recheck = {absl::Seconds(1), absl::Seconds(30)};

  absl::Status Validate() const;
};

/// Knows which versions of one servable may be loaded (again) now. Knows nothing of stores and
/// clocks.
///
/// Units:    absl::Time.
/// Errors:   none.
/// Threads:  one at a time.
/// Lifetime: a plain value.
class RetrySchedule {
 public:
  /// `random` gives numbers in [0, 1) for the jitter of pauses.
  RetrySchedule(const LoadRetryOptions& options, std::function<double()> random)
      : options_(options), random_(std::move(random)) {}

  /// Takes in how the last load of `version` failed; to be told at every poll.
  void Observe(int64_t version, const LoadLedger::Failure& failure);
  /// The version loads, or is no longer listed.
  void Forget(int64_t version) { entries_.erase(version); }

  /// Whether the objects of `version` are worth a look: other ones than those that failed make it
  /// due.
  bool WantsFingerprint(int64_t version, absl::Time now) const;
  void ObserveFingerprint(int64_t version, absl::string_view fingerprint, absl::Time now);

  /// True for versions that have not failed, too.
  bool Due(int64_t version, absl::Time now) const;
  /// The version is offered now. Should nothing come of it (the offer came while the manager was
  /// still busy with the load before), it is due again after the next pause.
  void Offered(int64_t version, absl::Time now);

  /// When `version` is due; the past for versions that have not failed.
  absl::Time DueAt(int64_t version) const;
  /// The earliest DueAt of those that have failed; never when there are none.
  absl::Time NextDue() const;

 private:
  struct Entry {
    absl::Time failed_at = absl::InfinitePast();
    int64_t failures = 0;
    bool can_heal = true;
    /// Failures and, since the last of them, offers.
    int64_t attempts = 0;
    absl::Time due = absl::InfinitePast();
    std::string failed_fingerprint;
    std::string seen_fingerprint;
    /// What was there at the last offer. Two rooms compute fingerprints; should they ever differ
    /// about the same objects, this keeps it at one needless retry.
    std::string offered_fingerprint;
    int64_t checks = 0;
    absl::Time next_check = absl::InfinitePast();
  };

  absl::Duration Pause(const Entry& entry) const;

  LoadRetryOptions options_;
  std::function<double()> random_;
  std::map<int64_t, Entry> entries_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SOURCE_RETRY_SCHEDULE_H_

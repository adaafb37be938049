// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SOURCE_SERVABLE_WATCH_H_
#define TFSERVING_REMOTE_SOURCE_SERVABLE_WATCH_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tfserving_remote/base/backoff.h"
#include "tfserving_remote/base/cancellation.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/base/storage_url.h"
#include "tfserving_remote/source/repeat_filter.h"
#include "tfserving_remote/source/retry_schedule.h"
#include "tfserving_remote/source/servable_source_status.h"
#include "tfserving_remote/source/version_scanner.h"
#include "tfserving_remote/store/store_opener.h"
#include "tfserving_remote/stream/load_ledger.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tfserving_remote {

/// When base paths are listed.
struct PollOptions {
  /// Pause between two polls. Zero: poll until every servable has had its first complete answer,
  /// then stop. Negative: never poll.
  absl::Duration wait = absl::Seconds(1);
  /// No longer pause when the next listing alone can make a version complete, and between the
  /// polls of `wait` zero. Long enough that an upload in progress shows in the second listing.
  absl::Duration confirm_wait = absl::Seconds(1);
  /// Pauses after listings that failed, where longer than `wait`.
  BackoffOptions failure = {absl::Seconds(1), absl::Seconds(30)};
  /// Pauses until a version that lacks files, and does not change, is looked at again.
  BackoffOptions recheck = {absl::Seconds(1), absl::Seconds(30)};
  /// A poll asks the store nothing more after this. Each servable is polled on its own, so a slow
  /// store delays its own servable only.
  absl::Duration timeout = absl::Minutes(5);

  absl::Status Validate() const;
};

/// The world of the source. Borrowed: every member outlives the user.
struct SourceEnv {
  StoreOpener& opener;
  Clock& clock;
  LogSink& log;
  /// Null: failed loads are not offered again.
  LoadLedger* ledger = nullptr;
  /// Numbers in [0, 1) for the jitter of pauses; safe to call from any thread.
  std::function<double()> random;
};

/// One servable's polls, step by step: what to tell the target, and when to look again. A failed
/// listing, and one that suddenly shows no complete version, tell nothing, so that what serves
/// stays.
///
/// Units:    absl::Duration.
/// Errors:   kept in status() and told to the log when they are news.
/// Threads:  Poll from one thread at a time; status() from any.
/// Lifetime: as SourceEnv.
class ServableWatch {
 public:
  using AspiredVersions =
      std::vector<tensorflow::serving::ServableData<tensorflow::serving::StoragePath>>;

  struct Outcome {
    /// Set when the target is to hear: every complete version, ascending. A version that failed
    /// and is not due again stands there with its failure, so that the manager leaves it alone.
    std::optional<AspiredVersions> aspired;
    /// Until the next poll; infinite when there shall be none.
    absl::Duration wait;
  };

  ServableWatch(std::string name, StorageUrl base, const CompletenessRule& rule, PollOptions poll,
                const LoadRetryOptions& retry, const SourceEnv& env);

  Outcome Poll(Cancellation* cancellation);
  ServableSourceStatus status() const;
  /// Drops what the ledger knows of this servable's versions: nobody will ask again. Only when no
  /// Poll runs.
  void ForgetFailures();

 private:
  using Paths = std::map<int64_t, std::string>;

  Paths PathsNow() const;
  void Forget(int64_t number);
  void ObserveFailures(const Paths& paths, absl::Time now, const StoreCallOptions& options);
  bool RetryIsDue(absl::Time now) const;
  AspiredVersions Offer(Paths paths, absl::Time now);
  absl::Duration WaitAfter(const VersionScanner::Result& result, bool has_versions, absl::Time now);

  absl::Status Judge(const VersionScanner::Result& result, bool has_versions) const;
  absl::Status NoVersions() const;
  std::string WhatServes() const;
  void Report(const absl::Status& verdict, bool listed, absl::Time now);
  void LogVerdict(const absl::Status& verdict, absl::Time now);
  void LogProblems(const std::vector<VersionProblem>& problems, absl::Time now);

  // Constant after construction.
  const std::string name_;
  const StorageUrl base_;
  const PollOptions poll_;
  const SourceEnv env_;

  // Used by Poll alone.
  VersionScanner scanner_;
  RetrySchedule retries_;
  RepeatFilter filter_;
  /// Last told to the target.
  Paths offered_;
  /// Of complete versions, as the ledger had them at the last poll.
  std::map<int64_t, LoadLedger::Failure> failures_;
  int64_t failed_polls_ = 0;
  bool told_of_error_ = false;

  mutable absl::Mutex mu_;
  ServableSourceStatus status_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SOURCE_SERVABLE_WATCH_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_LOAD_LEDGER_H_
#define TFSERVING_REMOTE_STREAM_LOAD_LEDGER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace tfserving_remote {

/// What became of the loads of each version: loaders write it, the source reads it to know when to
/// offer a failed version again.
///
/// Units:    absl::Time.
/// Errors:   none.
/// Threads:  safe to call from any thread.
/// Lifetime: outlives the loaders and the source that share it.
class LoadLedger {
 public:
  struct Failure {
    absl::Status status;
    /// How many loads of this version have failed in a row.
    int64_t failures = 0;
    absl::Time at;
    /// True for reasons that can pass by themselves: a store error, a missing or changed object,
    /// too little memory. False for content that is wrong: only other objects can help.
    bool can_heal = true;
    /// Fingerprint (manifest/listing_fingerprint.h) of the objects that the load saw; empty when it
    /// came not so far.
    std::string fingerprint;
  };

  void RecordFailure(absl::string_view servable_name, int64_t version, const absl::Status& status,
                     std::string fingerprint, absl::Time now);
  void RecordSuccess(absl::string_view servable_name, int64_t version);
  /// Nothing when the last load succeeded or none has ended yet.
  std::optional<Failure> LastFailure(absl::string_view servable_name, int64_t version) const;
  /// Forgets a version that is no longer listed.
  void Forget(absl::string_view servable_name, int64_t version);

  /// Whether a load that failed with `status` can succeed later with the same objects. Pure.
  static bool CanHeal(const absl::Status& status);

 private:
  mutable absl::Mutex mu_;
  std::map<std::pair<std::string, int64_t>, Failure> failures_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_LOAD_LEDGER_H_

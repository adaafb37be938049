// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_BASE_BACKOFF_H_
#define TFSERVING_REMOTE_BASE_BACKOFF_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace tfserving_remote {

/// How the pauses between attempts grow.
struct BackoffOptions {
  /// Pause after the first failure.
  absl::Duration initial = absl::Milliseconds(100);
  /// No pause is longer.
  absl::Duration max = absl::Seconds(20);
  /// Growth from one pause to the next.
  double multiplier = 2.0;
  /// Share of a pause that is random, so that many servers do not knock at the same moment.
  double jitter = 0.5;

  absl::Status Validate() const;
};

/// The pause after failure number `failures` (1 is the first). Pure: `random` in [0, 1) decides the
/// jitter.
absl::Duration BackoffPause(const BackoffOptions& options, int64_t failures, double random);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_BASE_BACKOFF_H_

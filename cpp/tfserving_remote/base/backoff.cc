// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/base/backoff.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {

absl::Status BackoffOptions::Validate() const {
  if (initial <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("backoff: initial must be positive");
  }
  if (max < initial) return absl::InvalidArgumentError("backoff: max must not be below initial");
  if (multiplier < 1.0) {
    return absl::InvalidArgumentError(
        absl::StrCat("backoff: multiplier ", multiplier, " is below 1"));
  }
  if (jitter < 0.0 || jitter > 1.0) {
    return absl::InvalidArgumentError(
        absl::StrCat("backoff: jitter ", jitter, " is not in [0, 1]"));
  }
  return absl::OkStatus();
}

absl::Duration BackoffPause(const BackoffOptions& options, int64_t failures, double random) {
  // The exponent is capped so that the power stays finite; the pause reaches `max` long before.
  const double exponent = static_cast<double>(std::clamp<int64_t>(failures - 1, 0, 60));
  const absl::Duration full =
      std::min(options.max, options.initial * std::pow(options.multiplier, exponent));
  return full * (1.0 - options.jitter * random);
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_STORE_STATUS_H_
#define TFSERVING_REMOTE_STORE_STORE_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tfserving_remote {

/// Whether the same call may be made again by whoever stands above the store.
struct RetryAdvice {
  bool retry = false;
  /// What the server asked for (Retry-After); no pause is shorter.
  absl::Duration at_least = absl::ZeroDuration();

  static RetryAdvice Never() { return {}; }
  static RetryAdvice AfterBackoff(absl::Duration at_least = absl::ZeroDuration()) {
    return {true, at_least};
  }
};

/// What a failed call of a store tells its caller, before it becomes a Status. No field may hold a
/// query string, a credential or a token.
struct StoreFailure {
  absl::StatusCode code = absl::StatusCode::kUnknown;
  /// "GET", "HEAD", "LIST".
  std::string verb;
  /// "s3://bucket/key".
  std::string url;
  std::string what;
  /// What to check or to do; may be empty.
  std::string advice;
  std::string request_id;
  RetryAdvice retry;
};

/// "GET s3://bucket/key: what (request id ...); advice", with the retry advice as a payload.
absl::Status ToStatus(const StoreFailure& failure);

/// Short form for failures that no server told.
absl::Status StoreError(absl::StatusCode code, absl::string_view verb, absl::string_view url,
                        absl::string_view what);

/// The advice that ToStatus left; without one, only UNAVAILABLE is worth another attempt.
RetryAdvice RetryAdviceOf(const absl::Status& status);

/// The same failure with "attempt 3 of 8" in its parentheses.
absl::Status WithAttempt(const absl::Status& status, int attempt, int of);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_STORE_STATUS_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SOURCE_SERVABLE_SOURCE_STATUS_H_
#define TFSERVING_REMOTE_SOURCE_SERVABLE_SOURCE_STATUS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tfserving_remote/source/base_listing.h"

namespace tfserving_remote {

/// A version whose last load failed, and when it is tried again.
struct FailedVersion {
  int64_t version = 0;
  absl::Status status;
  /// Loads in a row that failed.
  int64_t failures = 0;
  absl::Time next_retry = absl::InfiniteFuture();
};

/// How the source stands with one servable: the answer to "why is there no version (yet)?".
struct ServableSourceStatus {
  std::string name;
  /// As it is listed: "s3://bucket/model".
  std::string base_path;
  /// The past before the first poll.
  absl::Time last_poll = absl::InfinitePast();
  /// End of the last poll that listed the base path.
  absl::Time last_success = absl::InfinitePast();
  /// Of the last poll, with what to do; OK when it found versions.
  absl::Status last_error;
  /// Those last offered to the target, ascending.
  std::vector<int64_t> versions;
  /// Versions that are not complete yet and entries that cannot be versions; at most kMaxProblems.
  std::vector<VersionProblem> problems;
  std::vector<FailedVersion> failed;

  static constexpr size_t kMaxProblems = 100;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SOURCE_SERVABLE_SOURCE_STATUS_H_

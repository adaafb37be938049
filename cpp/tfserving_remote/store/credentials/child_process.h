// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_CREDENTIALS_CHILD_PROCESS_H_
#define TFSERVING_REMOTE_STORE_CREDENTIALS_CHILD_PROCESS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tfserving_remote/base/cancellation.h"

namespace tfserving_remote {

struct ChildProcessLimits {
  absl::Duration time = absl::Seconds(30);
  /// Of standard output and of standard error each.
  size_t output_bytes = 64 << 10;
};

struct ChildProcessResult {
  /// Exit status, or 128 + signal.
  int exit_code = 0;
  std::string output;
  std::string error_output;
};

/// Runs a program without a shell: standard input empty, no descriptor of ours open in it, a
/// process group of its own, which is killed as a whole when a limit is passed.
///
/// Errors: NOT_FOUND (no such program), DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED (too much output),
///         CANCELLED, UNAVAILABLE (no process can be started). A program that fails is no error.
absl::StatusOr<ChildProcessResult> RunChildProcess(const std::vector<std::string>& arguments,
                                                   const ChildProcessLimits& limits,
                                                   Cancellation* cancellation);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_CREDENTIALS_CHILD_PROCESS_H_

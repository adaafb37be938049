// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_BASE_LOG_H_
#define TFSERVING_REMOTE_BASE_LOG_H_

#include "absl/strings/string_view.h"

namespace tfserving_remote {

enum class Severity { kInfo, kWarning, kError };

/// Where rooms of the plugin report to. They never log by themselves, since the macros differ
/// between trees.
///
/// Units:    one message is one line of UTF-8, without secrets.
/// Errors:   none.
/// Threads:  safe to call from any thread.
/// Lifetime: outlives everything it was given to.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void Log(Severity severity, absl::string_view message) = 0;

  /// Drops everything. Never destroyed.
  static LogSink& Null();
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_BASE_LOG_H_

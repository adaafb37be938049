// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_BASE_STDERR_LOG_H_
#define TFSERVING_REMOTE_BASE_STDERR_LOG_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"

namespace tfserving_remote {

/// Writes each message as one line to standard error.
///
/// Units:    times in UTC, to the millisecond.
/// Errors:   a line that cannot be written is lost.
/// Threads:  safe to call from any thread; lines do not mix.
/// Lifetime: the clock outlives it.
class StderrLog final : public LogSink {
 public:
  explicit StderrLog(Clock& clock) : clock_(clock) {}
  void Log(Severity severity, absl::string_view message) override;

 private:
  Clock& clock_;
};

/// "2026-11-23T03:21:26.123Z W message\n"; line breaks inside the message become spaces. Pure.
std::string FormatLogLine(absl::Time time, Severity severity, absl::string_view message);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_BASE_STDERR_LOG_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_TESTING_RECORDING_LOG_H_
#define TFSERVING_REMOTE_TESTING_RECORDING_LOG_H_

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tfserving_remote/base/log.h"

namespace tfserving_remote {

/// Keeps what it is told.
///
/// Units:    as LogSink.
/// Errors:   none.
/// Threads:  safe to call from any thread.
/// Lifetime: outlives everything it was given to.
class RecordingLog final : public LogSink {
 public:
  struct Line {
    Severity severity;
    std::string message;
  };

  void Log(Severity severity, absl::string_view message) override {
    absl::MutexLock lock(&mu_);
    lines_.push_back({severity, std::string(message)});
  }

  std::vector<Line> lines() const {
    absl::MutexLock lock(&mu_);
    return lines_;
  }

  /// How many messages hold `part`.
  int Count(absl::string_view part) const {
    absl::MutexLock lock(&mu_);
    int count = 0;
    for (const Line& line : lines_) count += absl::StrContains(line.message, part) ? 1 : 0;
    return count;
  }

 private:
  mutable absl::Mutex mu_;
  std::vector<Line> lines_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_TESTING_RECORDING_LOG_H_

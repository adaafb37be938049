// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_VERSION_STATE_LOG_H_
#define TFSERVING_REMOTE_SERVER_VERSION_STATE_LOG_H_

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tfserving_remote/base/log.h"

namespace tfserving_remote {

/// Tells the log what becomes of each version: a line when it loads, serves or goes, with the time
/// a load took and, for a failure, the reason and what happens next. A failure that is only offered
/// again, without another load, is no news.
///
/// Units:    absl::Time.
/// Errors:   none.
/// Threads:  safe to call from any thread.
/// Lifetime: the sink outlives it.
class VersionStateLog {
 public:
  explicit VersionStateLog(LogSink& sink) : sink_(sink) {}

  void Update(const tensorflow::serving::ServableState& state, absl::Time at);

 private:
  /// Empty when there is nothing new to say.
  std::string Describe(const tensorflow::serving::ServableState& state, absl::Time at);
  std::string DescribeEnd(const tensorflow::serving::ServableState& state)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  LogSink& sink_;

  absl::Mutex mu_;
  /// Since when each version that loads does so.
  std::map<tensorflow::serving::ServableId, absl::Time> loading_since_ ABSL_GUARDED_BY(mu_);
  std::map<tensorflow::serving::ServableId, absl::Status> told_failures_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_VERSION_STATE_LOG_H_

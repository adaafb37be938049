// SPDX-License-Identifier: Apache-2.0
// Ours: internal to ServerCore.
#ifndef TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_AVAILABILITY_H_
#define TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_AVAILABILITY_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/core/servable_state_monitor.h"
#include "tensorflow_serving/util/event_bus.h"

namespace tensorflow {
namespace serving {
namespace internal {

// Waits until models have a version that serves. Unlike the monitor's own waiting it does not take
// what became of an earlier life of a model for an answer, nor the end of a version that was called
// off, and it knows when a model is gone from the configuration.
//
// Units:    none.
// Errors:   see Await.
// Threads:  safe from any thread; any number may wait.
// Lifetime: the monitor outlives it; nobody may wait when it dies.
class ModelAvailability {
 public:
  // To be made after the monitor, which then knows of each event first.
  ModelAvailability(EventBus<ServableState>* bus, const ServableStateMonitor* monitor);

  // Which models are configured. What the monitor knows now of those that were not is their past.
  void SetModels(const std::set<std::string>& names);

  // Ok when each of `models` has been available; kUnknown when that is not so for some, of which no
  // version is on its way and one has failed; kDeadlineExceeded when nobody can tell by then.
  absl::Status Await(const std::vector<ServableRequest>& models, absl::Time deadline);

 private:
  using VersionMap = ServableStateMonitor::VersionMap;

  enum class Answer { kAvailable, kFailed, kNotYet };
  struct Verdict {
    Answer answer;
    // The model or version that is the reason, and what is to be said of it.
    std::string subject;
    std::string reason;
  };
  struct Waiter {
    // The models to look at again; guarded by mu_. The rest belongs to the waiting thread.
    std::set<std::string> touched;
    // By model; without those that have been available once.
    std::multimap<std::string, ServableRequest> open;
    // By request.
    std::map<std::string, Verdict> verdicts;
  };

  void HandleEvent(const ServableState& state);
  void Touch(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // False if the deadline was there first.
  bool JudgeUntilDecided(Waiter* waiter, absl::Time deadline);
  std::set<std::string> AwaitTouched(Waiter* waiter, absl::Time deadline);
  void JudgeAgain(const std::string& name, Waiter* waiter) const;
  Verdict Judge(const ServableRequest& request) const;
  static Verdict JudgeVersions(const ServableRequest& request, const VersionMap& versions,
                               const VersionMap& past);
  static absl::Status Summarize(const Waiter& waiter, bool in_time);

  // Constant after construction.
  const ServableStateMonitor* const monitor_;

  mutable absl::Mutex mu_;
  // Each configured model with its past. Nothing: not a matter of a list.
  absl::optional<std::map<std::string, VersionMap>> models_ ABSL_GUARDED_BY(mu_);
  std::set<Waiter*> waiters_ ABSL_GUARDED_BY(mu_);

  // Last: no event arrives before the rest stands.
  std::unique_ptr<EventBus<ServableState>::Subscription> subscription_;
};

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_AVAILABILITY_H_

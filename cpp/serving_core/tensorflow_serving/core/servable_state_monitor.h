// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_SERVABLE_STATE_MONITOR_H_
#define TENSORFLOW_SERVING_CORE_SERVABLE_STATE_MONITOR_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/util/event_bus.h"

namespace tensorflow {
namespace serving {

// Remembers the last state of every servable that was published on a bus, and lets callers wait.
//
// Units:    times are microseconds since the epoch.
// Errors:   none.
// Threads:  safe from any thread. Functions given to Notify and NotifyWhenServablesReachState run
//           on the publisher's thread, after the monitor has taken note, outside its lock; they may
//           use the monitor but not the bus.
// Lifetime: to be made before the bus is given to a manager, or it misses what came before. Ended
//           servables are remembered until they are forgotten on demand.
class ServableStateMonitor {
 public:
  struct ServableStateAndTime {
    ServableState state;
    uint64_t event_time_micros;

    std::string DebugString() const;
  };
  using ServableName = std::string;
  using Version = int64_t;
  // Highest version first.
  using VersionMap = std::map<Version, ServableStateAndTime, std::greater<Version>>;
  using ServableMap = std::map<ServableName, VersionMap>;
  using ServableSet = std::set<ServableName>;
  // Oldest first.
  using BoundedLog = std::deque<ServableStateAndTime>;

  struct Options {
    // The newest so many events are logged; 0: none.
    uint64_t max_count_log_events = 0;
  };

  explicit ServableStateMonitor(EventBus<ServableState>* bus)
      : ServableStateMonitor(bus, Options()) {}
  ServableStateMonitor(EventBus<ServableState>* bus, const Options& options);
  virtual ~ServableStateMonitor();
  ServableStateMonitor(const ServableStateMonitor&) = delete;
  ServableStateMonitor& operator=(const ServableStateMonitor&) = delete;

  // Nothing for a servable never heard of.
  absl::optional<ServableState> GetState(const ServableId& servable_id) const;
  absl::optional<ServableStateAndTime> GetStateAndTime(const ServableId& servable_id) const;
  VersionMap GetVersionStates(const std::string& servable_name) const;
  ServableMap GetAllServableStates() const;
  // Without those in kEnd.
  ServableMap GetLiveServableStates() const;
  void ForgetUnloadedServableStates();
  // Names with at least one version in kAvailable.
  ServableSet GetAvailableServableStates() const;
  BoundedLog GetBoundedLog() const;

  // Calls `notifier_fn` once, as soon as every request is answered: by the version it names, or
  // else by the highest version that is in the goal state or in kEnd. A version answers when it is
  // in exactly the goal state, or has ended. `reached_goal_state` is false if one of them ended
  // instead. May call from inside.
  using ServableStateNotifierFn =
      std::function<void(bool reached_goal_state,
                         const std::map<ServableId, ServableState::ManagerState>& states_reached)>;
  void NotifyWhenServablesReachState(const std::vector<ServableRequest>& servables,
                                     ServableState::ManagerState goal_state,
                                     const ServableStateNotifierFn& notifier_fn);

  // Waits for what the notifier would tell; false also when `timeout` is over first, with
  // `states_reached` then left alone.
  bool WaitUntilServablesReachStateWithTimeout(
      const std::vector<ServableRequest>& servables, ServableState::ManagerState goal_state,
      absl::Duration timeout,
      std::map<ServableId, ServableState::ManagerState>* states_reached = nullptr);
  bool WaitUntilServablesReachState(
      const std::vector<ServableRequest>& servables, ServableState::ManagerState goal_state,
      std::map<ServableId, ServableState::ManagerState>* states_reached = nullptr);

  // Calls `notify_fn` for every event from now on.
  using NotifyFn = std::function<void(const ServableState&)>;
  void Notify(const NotifyFn& notify_fn);

 private:
  using StatesReached = std::map<ServableId, ServableState::ManagerState>;
  struct Waiter {
    std::vector<ServableRequest> servables;
    ServableState::ManagerState goal_state;
    ServableStateNotifierFn notifier_fn;
  };
  // What a waiter is to be told, once the lock is given back.
  struct Verdict {
    ServableStateNotifierFn notifier_fn;
    bool reached_goal_state;
    StatesReached states_reached;
  };

  // For derived classes: called with every event before anything else.
  virtual void PreHandleEvent(const EventBus<ServableState>::EventAndTime& event_and_time);

  void HandleEvent(const EventBus<ServableState>::EventAndTime& event_and_time);
  void Record(const ServableStateAndTime& state_and_time) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<Verdict> TakeVerdicts() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::optional<Verdict> Judge(const Waiter& waiter) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  absl::optional<ServableId> FindAnswer(const ServableRequest& request,
                                        ServableState::ManagerState goal_state) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  const ServableStateAndTime* Find(const ServableId& id) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  const Options options_;

  mutable absl::Mutex mu_;
  ServableMap states_ ABSL_GUARDED_BY(mu_);
  BoundedLog log_ ABSL_GUARDED_BY(mu_);
  std::vector<Waiter> waiters_ ABSL_GUARDED_BY(mu_);
  std::vector<NotifyFn> notify_fns_ ABSL_GUARDED_BY(mu_);

  // Last: no event arrives before the rest stands, nor after it has begun to fall.
  std::unique_ptr<EventBus<ServableState>::Subscription> subscription_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_SERVABLE_STATE_MONITOR_H_

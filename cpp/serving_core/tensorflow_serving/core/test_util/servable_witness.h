// SPDX-License-Identifier: Apache-2.0
// For the tests of managers in this room alone.
#ifndef TENSORFLOW_SERVING_CORE_TEST_UTIL_SERVABLE_WITNESS_H_
#define TENSORFLOW_SERVING_CORE_TEST_UTIL_SERVABLE_WITNESS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/resources/resource_tracker.h"
#include "tensorflow_serving/util/event_bus.h"

namespace tensorflow {
namespace serving {
namespace test_util {

// Makes loaders and watches what a manager does with them, whatever the order of things: what must
// never happen is written down as a violation.
//
//   - two loads of one id at a time, a load after an unload, an unload without a load;
//   - an unload while a handle lives, a loaded servable that is never unloaded;
//   - more versions of a stream, or more memory, held at a time than is allowed;
//   - an event that cannot follow the one before it.
//
// Units:    memory in bytes.
// Errors:   none; ask for the violations.
// Threads:  safe from any thread.
// Lifetime: outlives managers, loaders and handles; the bus outlives the manager.
class ServableWitness {
 public:
  struct Limits {
    int versions_per_stream = 1000;
    uint64_t ram = ~uint64_t{0};
  };
  enum class Plan { kLoad, kFail, kFailOnce, kWaitForRelease };

  explicit ServableWitness(Limits limits);
  ServableWitness() : ServableWitness(Limits()) {}

  EventBus<ServableState>* bus() const { return bus_.get(); }
  // Counts main/ram_in_bytes up to the limit.
  std::unique_ptr<ResourceTracker> MakeTracker() const;

  // The servable is an int64_t, its version; -1 when it is not loaded.
  ServableData<std::unique_ptr<Loader>> Make(const ServableId& id, Plan plan, uint64_t ram = 0);

  // Lets the load go on that has waited longest.
  void ReleaseOneLoad();
  // Lets all of them go on, also those to come.
  void ReleaseLoads();

  // What a client does with a handle: look, hold, look again.
  class Holder;
  absl::optional<Holder> Hold(Manager* manager, const ServableRequest& request);

  // Whether a version of the stream other than `version` is loaded.
  bool OtherIsLoaded(const std::string& servable_name, int64_t version) const;

  // For what only the test knows to be wrong.
  void Accuse(const std::string& violation);
  std::vector<std::string> Violations() const;
  // To be called when the manager is gone: everything loaded must be unloaded and destroyed.
  std::vector<std::string> FinalViolations() const;

 private:
  class WitnessedLoader;

  // What is true of one id, over all of its loaders.
  struct Servable {
    int loading = 0;
    int loaded = 0;
    int handles = 0;
    uint64_t held_ram = 0;
    absl::optional<ServableState> last_event;
  };

  absl::Status Load(const ServableId& id, Plan plan, int attempt, uint64_t ram);
  void BeginUnload(const ServableId& id);
  void EndUnload(const ServableId& id, uint64_t ram);
  void LoaderMade();
  void LoaderGone(const ServableId& id, bool loaded);
  void Observe(const ServableState& state);
  static bool MayFollow(const absl::optional<ServableState>& last, const ServableState& next);

  void AwaitRelease() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CheckLimits(const ServableId& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int CountHeld(const std::string& servable_name) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void Add(const std::string& what, const ServableId& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Limits limits_;

  mutable absl::Mutex mu_;
  std::map<ServableId, Servable> servables_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> violations_ ABSL_GUARDED_BY(mu_);
  int num_loaders_ ABSL_GUARDED_BY(mu_) = 0;
  // Waiting loads take tickets; those below num_released_ go on.
  int64_t num_waited_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t num_released_ ABSL_GUARDED_BY(mu_) = 0;
  bool all_released_ ABSL_GUARDED_BY(mu_) = false;

  const std::shared_ptr<EventBus<ServableState>> bus_;
  const std::unique_ptr<EventBus<ServableState>::Subscription> subscription_;
};

// A handle that a client holds.
class ServableWitness::Holder {
 public:
  Holder(ServableWitness* witness, ServableHandle<int64_t> handle);
  ~Holder();
  Holder(Holder&& other) = default;
  Holder& operator=(Holder&&) = delete;

 private:
  void Look() const;

  ServableWitness* const witness_;
  ServableHandle<int64_t> handle_;
};

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_TEST_UTIL_SERVABLE_WITNESS_H_

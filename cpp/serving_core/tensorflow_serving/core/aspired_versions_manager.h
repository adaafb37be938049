// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_ASPIRED_VERSIONS_MANAGER_H_
#define TENSORFLOW_SERVING_CORE_ASPIRED_VERSIONS_MANAGER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "tensorflow_serving/core/aspired_version_policy.h"
#include "tensorflow_serving/core/basic_manager.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/core/target.h"
#include "tensorflow_serving/resources/resource_tracker.h"
#include "tensorflow_serving/util/event_bus.h"
#include "tensorflow_serving/util/observer.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

class AspiredVersionsManager;

namespace internal {
class AspiredVersionsManagerTargetImpl;

uint32_t GetManagerNumLoadThreads(AspiredVersionsManager* manager);
// A function that sets the number of load threads; it does nothing after the manager's end.
std::function<void(uint32_t)> SetManagerNumLoadThreadsNotifier(AspiredVersionsManager* manager);
}  // namespace internal

namespace test_util {
class AspiredVersionsManagerTestAccess;
}  // namespace test_util

// Loads the versions that sources aspire to and unloads the others, in the order a policy says.
//
// Units:    intervals in microseconds.
// Errors:   what fails with one version is published as its state and concerns no other version.
// Threads:  safe from any thread. The aspired-versions callback only leaves the list behind; one
//           thread of the manager acts upon it at once, and upon every load and unload that ends.
//           With 0 load threads that thread loads, and each load keeps all other models waiting.
// Lifetime: a loaded version is never unloaded while it is in the newest list of its stream, nor
//           while a handle to it lives. The event bus outlives the manager; the manager outlives
//           all handles: its destructor waits for them.
class AspiredVersionsManager : public Manager, public Target<std::unique_ptr<Loader>> {
 public:
  using PreLoadHook = BasicManager::PreLoadHook;
  using CustomSortActionsFn = std::function<bool(const AspiredVersionPolicy::ServableAction&,
                                                 const AspiredVersionPolicy::ServableAction&)>;

  struct Options {
    // See BasicManager::Options.
    std::unique_ptr<ResourceTracker> resource_tracker;
    // The longest time between two looks at all streams. 0 or less: no thread; tests go step by
    // step.
    int64_t manage_state_interval_micros = 100 * 1000;
    // Null: nothing is published. Not owned.
    EventBus<ServableState>* servable_event_bus = nullptr;
    // Required.
    std::unique_ptr<AspiredVersionPolicy> aspired_version_policy;
    // Which of two streams' actions comes first. Null: unloads before loads.
    CustomSortActionsFn custom_sort_actions;
    uint32_t num_load_threads = 0;
    uint32_t num_unload_threads = 0;
    uint32_t max_num_load_retries = 5;
    // Negative: no pause.
    int64_t load_retry_interval_micros = 60LL * 1000 * 1000;
    // Null: every load error is worth a retry.
    std::function<bool(absl::Status)> should_retry_model_load;
    bool flush_filesystem_caches = false;
    Env* env = internal::DefaultEnv();
    PreLoadHook pre_load_hook;
    // Each new list gives the failed versions in it a fresh start.
    bool enable_reload_servables_with_error = false;
    // Kept for source compatibility: there is no thread context to hand on.
    bool with_current_context = false;
  };
  // kInvalidArgument without a policy.
  static absl::Status Create(Options options, std::unique_ptr<AspiredVersionsManager>* manager);
  ~AspiredVersionsManager() override;

  std::vector<ServableId> ListAvailableServableIds() const override;
  Source<std::unique_ptr<Loader>>::AspiredVersionsCallback GetAspiredVersionsCallback() override;

 private:
  friend class ServerCore;
  friend class internal::AspiredVersionsManagerTargetImpl;
  friend class test_util::AspiredVersionsManagerTestAccess;
  friend uint32_t internal::GetManagerNumLoadThreads(AspiredVersionsManager* manager);
  friend std::function<void(uint32_t)> internal::SetManagerNumLoadThreadsNotifier(
      AspiredVersionsManager* manager);

  using Versions = std::vector<ServableData<std::unique_ptr<Loader>>>;
  // What the manager keeps beside each servable.
  struct Aspired {
    bool is_aspired;
    // Listed again while it unloads: starts anew when that is done.
    bool is_to_return = false;
  };
  // A list that waits to be acted upon.
  struct PendingList {
    Versions versions;
    // What was left of a list acted upon before: says nothing of the versions it lacks.
    bool is_remainder = false;
    // Follows an empty list that nobody has acted upon, and that is not to be lost: a version that
    // failed starts anew.
    bool is_new_beginning = false;
  };

  AspiredVersionsManager(Options options, std::unique_ptr<BasicManager> basic_manager);

  absl::Status GetUntypedServableHandle(
      const ServableRequest& request,
      std::unique_ptr<UntypedServableHandle>* untyped_handle) override;
  std::map<ServableId, std::unique_ptr<UntypedServableHandle>> GetAvailableUntypedServableHandles()
      const override;

  // Leaves the list behind for the manage loop.
  void EnqueueAspiredVersions(const absl::string_view servable_name, Versions versions);

  // The steps of one turn of the manage loop.
  void FlushServables();
  void HandlePendingAspiredVersionsRequests();
  void InvokePolicyAndExecuteAction();

  void ManageUntilStopped();
  void AwaitWork();
  void Wake();
  void HandleList(const std::string& servable_name, PendingList list)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mu_);
  void UnaspireUnlisted(const std::string& servable_name, const Versions& listed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mu_);
  // False if the version has to wait for its own unload.
  bool AspireVersion(ServableData<std::unique_ptr<Loader>>& version, bool reload_if_failed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mu_);
  void Manage(ServableData<std::unique_ptr<Loader>> version)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mu_);
  struct ProposedAction;
  std::vector<ProposedAction> ProposeActions() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mu_);
  absl::optional<ProposedAction> ProposeAction(const std::string& servable_name) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mu_);
  void Execute(const ProposedAction& proposed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mu_);
  bool stopping() const;

  // Constant after construction.
  const std::unique_ptr<AspiredVersionPolicy> policy_;
  const int64_t manage_state_interval_micros_;
  const bool reload_servables_with_error_;

  // Lets one step run at a time. Only the steps take it: nobody else ever waits for it.
  absl::Mutex step_mu_ ABSL_ACQUIRED_BEFORE(mu_);
  CustomSortActionsFn custom_sort_actions_ ABSL_GUARDED_BY(step_mu_);

  mutable absl::Mutex mu_;
  std::map<std::string, PendingList> pending_ ABSL_GUARDED_BY(mu_);
  bool work_to_do_ ABSL_GUARDED_BY(mu_) = true;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  // In the order of their death, last one first.
  const std::unique_ptr<BasicManager> basic_manager_;
  std::unique_ptr<TargetBase<std::unique_ptr<Loader>>> target_;
  std::unique_ptr<Observer<uint32_t>> num_load_threads_observer_;
  std::unique_ptr<Thread> manage_thread_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_ASPIRED_VERSIONS_MANAGER_H_

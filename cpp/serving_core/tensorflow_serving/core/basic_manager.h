// SPDX-License-Identifier: Apache-2.0
// Internal to the managers: plugins use AspiredVersionsManager.
#ifndef TENSORFLOW_SERVING_CORE_BASIC_MANAGER_H_
#define TENSORFLOW_SERVING_CORE_BASIC_MANAGER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "tensorflow_serving/core/load_gate.h"
#include "tensorflow_serving/core/loader_harness.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/resizable_executor.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/core/serving_map.h"
#include "tensorflow_serving/resources/resource_tracker.h"
#include "tensorflow_serving/util/event_bus.h"
#include "tensorflow_serving/util/executor.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// Called on the loading thread, between the kLoading event and the load.
using PreLoadHook = std::function<void(const ServableId&)>;

// Loads and unloads servables when told to, one by one, and publishes what becomes of them.
//
// Units:    intervals in microseconds.
// Errors:   through the done callback: kNotFound for an id that is not managed, kFailedPrecondition
//           for a load or unload that does not fit the state, kResourceExhausted for a load that
//           does not fit into memory, otherwise the loader's own error.
// Threads:  safe from any thread. With 0 load threads a load runs inside LoadServable; with 0
//           unload threads an unload runs inside UnloadServable, unless handles are still held:
//           then a thread of the manager does it when the last of them goes.
// Lifetime: the event bus outlives the manager. The destructor stops retries, waits for loads,
//           unloads and handles, and unloads what is left without events.
class BasicManager : public Manager {
 public:
  using PreLoadHook = ::tensorflow::serving::PreLoadHook;

  struct Options {
    // A load begins when its estimate fits beside those of all that is loaded, loading or
    // unloading. Null: nobody counts, and no loader is asked.
    std::unique_ptr<ResourceTracker> resource_tracker;
    uint32_t num_load_threads = 0;
    uint32_t num_unload_threads = 0;
    // Null: every load error is worth a retry.
    std::function<bool(absl::Status)> should_retry_model_load;
    // Null: nothing is published. Not owned.
    EventBus<ServableState>* servable_event_bus = nullptr;
    uint32_t max_num_load_retries = 5;
    // Negative: no pause.
    int64_t load_retry_interval_micros = 60LL * 1000 * 1000;
    // After each load, if loads do not run in parallel.
    bool flush_filesystem_caches = false;
    Env* env = internal::DefaultEnv();
    PreLoadHook pre_load_hook;
  };
  static absl::Status Create(Options options, std::unique_ptr<BasicManager>* manager);
  ~BasicManager() override;

  std::vector<ServableId> ListAvailableServableIds() const override;

  // Begins to manage a servable, or the error in its place, without loading it. kFailedPrecondition
  // if the id is managed already.
  absl::Status ManageServable(ServableData<std::unique_ptr<Loader>> servable);
  // The same; the manager keeps `additional_state` beside the servable.
  template <typename T>
  absl::Status ManageServableWithAdditionalState(ServableData<std::unique_ptr<Loader>> servable,
                                                 std::unique_ptr<T> additional_state) {
    return Manage(std::move(servable), UniqueAnyPtr(std::move(additional_state)));
  }
  // Forgets a servable that is new, unloaded or failed; otherwise kFailedPrecondition.
  absl::Status StopManagingServable(const ServableId& id);

  // Sorted.
  std::vector<std::string> GetManagedServableNames() const;
  // By ascending version. A state appears here only when its event has been published.
  template <typename T = std::nullptr_t>
  std::vector<ServableStateSnapshot<T>> GetManagedServableStateSnapshots(
      const std::string& servable_name) const;
  template <typename T = std::nullptr_t>
  absl::optional<ServableStateSnapshot<T>> GetManagedServableStateSnapshot(const ServableId& id);
  // Null if there is none of that type. Valid while the servable is managed.
  template <typename T>
  T* GetAdditionalServableState(const ServableId& id);

  using DoneCallback = std::function<void(const absl::Status& status)>;
  void LoadServable(const ServableId& id, DoneCallback done_callback);
  // No further retry; what is being loaded is unloaded at once.
  void CancelLoadServableRetry(const ServableId& id);
  void UnloadServable(const ServableId& id, DoneCallback done_callback);

  uint32_t num_load_threads() const { return load_executor_.num_threads(); }
  // Returns when the loads asked for before are done. Not to be called from one of them.
  void SetNumLoadThreads(uint32_t num_load_threads);

 private:
  friend class AspiredVersionsManager;
  friend class CachingManager;

  using HarnessPtr = std::shared_ptr<LoaderHarness>;

  explicit BasicManager(Options options);

  absl::Status GetUntypedServableHandle(
      const ServableRequest& request,
      std::unique_ptr<UntypedServableHandle>* untyped_handle) override;
  std::map<ServableId, std::unique_ptr<UntypedServableHandle>> GetAvailableUntypedServableHandles()
      const override;

  // Takes back CancelLoadServableRetry if that is still possible; says whether the servable is on
  // its way to be ready, or is.
  bool ResumeServable(const ServableId& id);
  // Cancels all loads, those asked for later included: the beginning of the end.
  void CancelAllLoads();

  absl::Status Manage(ServableData<std::unique_ptr<Loader>> servable,
                      UniqueAnyPtr additional_state);
  HarnessPtr MakeHarness(ServableData<std::unique_ptr<Loader>> servable,
                         UniqueAnyPtr additional_state) const;
  HarnessPtr FindHarness(const ServableId& id) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  std::vector<HarnessPtr> Harnesses() const;
  std::vector<HarnessPtr> Harnesses(const std::string& servable_name) const;

  absl::Status ExecuteLoad(LoaderHarness* harness);
  absl::Status ExecuteApprovedLoad(LoaderHarness* harness);
  bool CommitLoad(LoaderHarness* harness);
  absl::Status EndLoadWithError(LoaderHarness* harness, const absl::Status& error);
  void MaybeFlushFilesystemCaches() const;
  void StartUnload(HarnessPtr harness, DoneCallback done_callback);
  void FinishUnload(const HarnessPtr& harness, const DoneCallback& done_callback);
  Executor* ExecutorOfLateUnloads();
  void UnloadAll();
  void Publish(const LoaderHarness& harness, ServableState::ManagerState manager_state,
               const absl::Status& health = absl::OkStatus()) const;

  // Synchronises itself. Before options_: takes the resource tracker out of them.
  internal::LoadGate load_gate_;

  // Constant after construction.
  const Options options_;

  // Synchronises itself.
  internal::ServingMap serving_map_;
  internal::ResizableExecutor load_executor_;

  // Never held while anything is loaded, unloaded, estimated or published.
  mutable absl::Mutex mu_;
  std::map<std::string, std::map<int64_t, HarnessPtr>> managed_ ABSL_GUARDED_BY(mu_);
  bool cancelling_all_loads_ ABSL_GUARDED_BY(mu_) = false;
  // Unloads begun and not yet done.
  int num_unloads_ ABSL_GUARDED_BY(mu_) = 0;

  // Made when first needed: finishes unloads that had to wait for handles if there are no unload
  // threads, because neither the caller of UnloadServable nor whoever dropped the last handle may
  // be kept busy.
  std::unique_ptr<Executor> late_unload_executor_ ABSL_GUARDED_BY(mu_);
  // Null means inline.
  std::unique_ptr<Executor> unload_executor_;
};

template <typename T>
std::vector<ServableStateSnapshot<T>> BasicManager::GetManagedServableStateSnapshots(
    const std::string& servable_name) const {
  std::vector<ServableStateSnapshot<T>> snapshots;
  for (const HarnessPtr& harness : Harnesses(servable_name)) {
    snapshots.push_back(harness->Snapshot<T>());
  }
  return snapshots;
}

template <typename T>
absl::optional<ServableStateSnapshot<T>> BasicManager::GetManagedServableStateSnapshot(
    const ServableId& id) {
  absl::MutexLock lock(&mu_);
  const HarnessPtr harness = FindHarness(id);
  if (harness == nullptr) return absl::nullopt;
  return harness->Snapshot<T>();
}

template <typename T>
T* BasicManager::GetAdditionalServableState(const ServableId& id) {
  absl::MutexLock lock(&mu_);
  const HarnessPtr harness = FindHarness(id);
  return harness == nullptr ? nullptr : harness->additional_state<T>();
}

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_BASIC_MANAGER_H_

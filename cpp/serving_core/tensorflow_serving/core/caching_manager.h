// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_CACHING_MANAGER_H_
#define TENSORFLOW_SERVING_CORE_CACHING_MANAGER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/core/basic_manager.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/resources/resource_tracker.h"
#include "tensorflow_serving/util/event_bus.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// Loads a servable when it is first asked for, and keeps it.
//
// Units:    intervals in microseconds.
// Errors:   a lookup that has to load returns the loader factory's or the load's own error, to all
//           who wait for it. The next lookup tries again.
// Threads:  safe from any thread. A lookup of a servable that is ready waits for nobody; others
//           block for as long as the load takes. Each servable is loaded by one thread at a time.
// Lifetime: nothing is unloaded before the manager's end. The event bus outlives the manager.
class CachingManager : public Manager {
 public:
  struct Options {
    // As BasicManager::Options. Nothing is unloaded to make room.
    std::unique_ptr<ResourceTracker> resource_tracker;
    // 0: the thread that asks loads.
    uint32_t num_load_threads = 0;
    uint32_t num_unload_threads = 0;
    // Null: nothing is published. Not owned.
    EventBus<ServableState>* servable_event_bus = nullptr;
    uint32_t max_num_load_retries = 5;
    // Negative: no pause.
    int64_t load_retry_interval_micros = 60LL * 1000 * 1000;
    Env* env = internal::DefaultEnv();
  };

  // Makes the loaders of what is asked for.
  //
  // Units:    none.
  // Errors:   travel in the item.
  // Threads:  both methods are called from many threads at once.
  // Lifetime: owned by the manager.
  class LoaderFactory {
   public:
    virtual ~LoaderFactory() = default;

    // An item with the same id.
    virtual ServableData<std::unique_ptr<Loader>> CreateLoader(const ServableId& servable_id) = 0;

    // Which version a request means that names none.
    virtual int64_t GetServableVersion(const std::string& servable_name,
                                       ServableRequest::AutoVersionPolicy policy) const = 0;
  };

  static absl::Status Create(Options options, std::unique_ptr<LoaderFactory> loader_factory,
                             std::unique_ptr<CachingManager>* caching_manager);
  ~CachingManager() override;

  std::vector<ServableId> ListAvailableServableIds() const override;

 private:
  struct OngoingLoad;

  CachingManager(std::unique_ptr<LoaderFactory> loader_factory,
                 std::unique_ptr<BasicManager> basic_manager);

  absl::Status GetUntypedServableHandle(
      const ServableRequest& request,
      std::unique_ptr<UntypedServableHandle>* untyped_handle) override;
  std::map<ServableId, std::unique_ptr<UntypedServableHandle>> GetAvailableUntypedServableHandles()
      const override;

  // Returns when the servable is ready, or its load has failed.
  absl::Status LoadOnce(const ServableId& servable_id);
  absl::Status Load(const ServableId& servable_id);

  const std::unique_ptr<LoaderFactory> loader_factory_;
  const std::unique_ptr<BasicManager> basic_manager_;

  absl::Mutex mu_;
  std::map<ServableId, std::shared_ptr<OngoingLoad>> ongoing_loads_ ABSL_GUARDED_BY(mu_);
};

// Finds the servable N at the path prefix/N, as version 0; there are no other versions.
//
// Units:    none.
// Errors:   kFailedPrecondition for another version; kInvalidArgument for a name that would lead
//           out of the prefix; otherwise the adapter's.
// Threads:  safe from any thread; the adapter is called by one at a time.
// Lifetime: owns the adapter.
class PathPrefixLoaderFactory : public CachingManager::LoaderFactory {
 public:
  PathPrefixLoaderFactory(const std::string& path_prefix,
                          std::unique_ptr<StoragePathSourceAdapter> adapter);
  ~PathPrefixLoaderFactory() override = default;

  ServableData<std::unique_ptr<Loader>> CreateLoader(const ServableId& id) override;
  int64_t GetServableVersion(const std::string& servable_name,
                             ServableRequest::AutoVersionPolicy policy) const override;

 private:
  const std::string path_prefix_;

  absl::Mutex mu_;
  // Adapters are promised that their calls are serialised.
  const std::unique_ptr<StoragePathSourceAdapter> adapter_ ABSL_PT_GUARDED_BY(mu_);
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_CACHING_MANAGER_H_

// SPDX-License-Identifier: Apache-2.0
// Internal to BasicManager.
#ifndef TENSORFLOW_SERVING_CORE_SERVING_MAP_H_
#define TENSORFLOW_SERVING_CORE_SERVING_MAP_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_handle.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/util/fast_read_dynamic_ptr.h"

namespace tensorflow {
namespace serving {
namespace internal {

// Tells when nobody holds a certain servable any more.
class ServableUse {
 public:
  void AddHolder();
  // The last one to go calls what was given to CallWhenIdle.
  void RemoveHolder();
  bool IsIdle() const;
  // Calls `idle` once: at once if nobody holds the servable, else on the thread of the last holder.
  // To be called when no new holder can come.
  void CallWhenIdle(std::function<void()> idle);

 private:
  mutable absl::Mutex mu_;
  int num_holders_ ABSL_GUARDED_BY(mu_) = 0;
  std::function<void()> idle_ ABSL_GUARDED_BY(mu_);
};

// The servables that are ready. A handle keeps its own servable and never the map, so that a handle
// held for long is nobody else's trouble.
//
// Units:    none.
// Errors:   kNotFound "Servable not found for request: ...".
// Threads:  safe from any thread. Lookups share no lock, and no cache line that is written to,
//           except by accident of hashing; Add and Remove wait for the lookups that are under way.
// Lifetime: does not own the loaders. A loader may go when it was removed and its use is idle.
class ServingMap {
 public:
  ServingMap();

  void Add(const ServableId& id, Loader* loader);
  // New lookups do not find it any more. Null if it was not there.
  std::shared_ptr<ServableUse> Remove(const ServableId& id);

  absl::Status Find(const ServableRequest& request,
                    std::unique_ptr<UntypedServableHandle>* handle) const;
  std::map<ServableId, std::unique_ptr<UntypedServableHandle>> GetHandles() const;
  std::vector<ServableId> GetIds() const;

 private:
  // One ready servable. Each shard is a pointer with a reference count of its own.
  struct Entry {
    static constexpr size_t kNumShards = 8;

    std::unique_ptr<UntypedServableHandle> MakeHandle() const;

    ServableId id;
    std::shared_ptr<ServableUse> use;
    std::array<std::shared_ptr<Loader>, kNumShards> shards;
  };
  using Versions = std::map<int64_t, Entry>;
  using Streams = std::unordered_map<std::string, Versions>;

  static const Entry* Find(const Versions& versions, const ServableRequest& request);

  absl::Mutex update_mu_;
  // The newest contents; what readers see is a copy.
  Streams streams_ ABSL_GUARDED_BY(update_mu_);

  // Synchronises itself.
  FastReadDynamicPtr<Streams> published_;
};

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_SERVING_MAP_H_

// SPDX-License-Identifier: Apache-2.0
// Internal to BasicManager.
#ifndef TENSORFLOW_SERVING_CORE_SERVING_MAP_H_
#define TENSORFLOW_SERVING_CORE_SERVING_MAP_H_

#include <atomic>
#include <cstddef>
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
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_handle.h"
#include "tensorflow_serving/core/servable_id.h"

namespace tensorflow {
namespace serving {
namespace internal {

// One ready servable and the count of those who hold it: several counts, so that threads seldom
// write to the same cache line. Each begins with one for the map and is over for good when it comes
// to zero; the servable is idle when all are over.
//
// Units:    none.
// Errors:   none.
// Threads:  safe from any thread. Hold and LetGo take no lock; only the last one to let go does.
// Lifetime: lives on until it is idle, whoever else lets go of it. Does not own the loader.
class ServableUse {
 public:
  struct alignas(64) Count {
    std::atomic<uint64_t> holders{1};
  };

  static std::shared_ptr<ServableUse> Create(const ServableId& id, Loader* loader);

  const ServableId& id() const { return id_; }
  Loader* loader() const { return loader_; }

  // The count to let go of; null if the map gave the servable up and none of that count's holders
  // is left.
  Count* Hold(size_t thread);
  void LetGo(Count* count);

  // Takes the map's part out of each count. To be called once.
  void GiveUp();
  bool IsIdle() const;
  // Calls `idle` once: at once if nobody holds the servable, else on the thread of the last holder.
  // To be called after GiveUp.
  void CallWhenIdle(std::function<void()> idle);

 private:
  ServableUse(const ServableId& id, Loader* loader);

  void CountIsOver();

  // Constant after construction.
  Loader* const loader_;
  const size_t num_counts_;  // a power of two
  const std::unique_ptr<Count[]> counts_;
  const ServableId id_;

  // Synchronises itself.
  std::atomic<size_t> counts_left_;

  mutable absl::Mutex mu_;
  bool is_idle_ ABSL_GUARDED_BY(mu_) = false;
  std::function<void()> idle_ ABSL_GUARDED_BY(mu_);
  // Itself, until it is idle.
  std::shared_ptr<ServableUse> self_ ABSL_GUARDED_BY(mu_);
};

// The servables that are ready: a hash table of streams, each with an immutable list of versions.
// A handle keeps its own servable and never the map, so that a handle held for long is nobody
// else's trouble.
//
// Units:    none.
// Errors:   kNotFound "Servable not found for request: ...".
// Threads:  safe from any thread. Lookups take no lock and wait for nobody; two of them write to
//           the same cache line only if they hold the same servable and there are more threads than
//           counts. Add and Remove cost the versions of one stream, and do not wait for lookups.
// Lifetime: does not own the loaders. A loader may go when it was removed and its use is idle.
//           Nobody may be within a call when the map is destroyed; handles may outlive it.
class ServingMap {
 public:
  ServingMap();
  ~ServingMap();

  void Add(const ServableId& id, Loader* loader);
  // New lookups do not find it any more. Null if it was not there.
  std::shared_ptr<ServableUse> Remove(const ServableId& id);

  absl::Status Find(const ServableRequest& request,
                    std::unique_ptr<UntypedServableHandle>* handle) const;
  // Null if there is none.
  std::unique_ptr<UntypedServableHandle> Find(
      absl::string_view name, const absl::optional<int64_t>& version,
      ServableRequest::AutoVersionPolicy auto_version_policy) const;
  std::map<ServableId, std::unique_ptr<UntypedServableHandle>> GetHandles() const;
  std::vector<ServableId> GetIds() const;

 private:
  struct Versions;
  struct Stream;
  class Table;
  struct Held {
    ServableUse* use;
    ServableUse::Count* count;
  };
  // What readers may still see.
  struct Unlinked {
    uint64_t period;
    std::shared_ptr<const void> object;
  };

  std::vector<Held> HoldAllVersions(const std::string& name) const;

  Stream* FindOrAddStream(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(update_mu_);
  std::shared_ptr<ServableUse> Replace(Stream* stream, int64_t version,
                                       std::shared_ptr<ServableUse> use)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(update_mu_);
  // Makes a table of the streams that have versions.
  void Rebuild() ABSL_EXCLUSIVE_LOCKS_REQUIRED(update_mu_);
  void Unlink(std::shared_ptr<const void> object) ABSL_EXCLUSIVE_LOCKS_REQUIRED(update_mu_);
  void FreeWhatNobodyReads() ABSL_EXCLUSIVE_LOCKS_REQUIRED(update_mu_);

  // Synchronises itself: what readers begin with.
  std::atomic<const Table*> table_;

  absl::Mutex update_mu_;
  std::shared_ptr<Table> owned_table_ ABSL_GUARDED_BY(update_mu_);
  // Streams of the table without versions.
  size_t num_empty_streams_ ABSL_GUARDED_BY(update_mu_) = 0;
  std::vector<Unlinked> unlinked_ ABSL_GUARDED_BY(update_mu_);
};

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_SERVING_MAP_H_

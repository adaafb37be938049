// SPDX-License-Identifier: Apache-2.0
// Internal to BasicManager.
#ifndef TENSORFLOW_SERVING_CORE_SERVING_MAP_H_
#define TENSORFLOW_SERVING_CORE_SERVING_MAP_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/optimization.h"
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

// One ready servable and the count of those who hold it: several counts, for the threads to spread
// over. Each begins with one for the map and is over for good when it comes to zero; the servable
// is idle when all are over.
//
// Units:    none.
// Errors:   none.
// Threads:  safe from any thread. Hold and LetGo take no lock; only the last one to let go does.
// Lifetime: lives on until it is idle, whoever else lets go of it. Does not own the loader.
class ServableUse : public std::enable_shared_from_this<ServableUse> {
 public:
  using Count = std::atomic<uint64_t>;
  // One count of each of several servables, for the same threads: they fill a cache line.
  static constexpr size_t kServablesOfLine = 8;
  struct alignas(64) CountLine {
    std::array<Count, kServablesOfLine> counts;
  };

  // How many counts each servable has: one for each core, within reason. A power of two.
  static size_t NumCounts();
  // Of a servable whose first count this is.
  static Count* CountOf(Count* first, size_t i) { return first + i * kServablesOfLine; }

  // `first_count` keeps the NumCounts() lines it is in.
  static std::shared_ptr<ServableUse> Create(const ServableId& id, Loader* loader,
                                             std::shared_ptr<Count> first_count);

  const ServableId& id() const { return id_; }
  Loader* loader() const { return loader_; }
  Count* first_count() const { return first_count_.get(); }

  // False if the map gave the servable up and none of this count's holders is left.
  static bool Hold(Count* count) {
    uint64_t holders = count->load(std::memory_order_acquire);
    do {
      if (holders == 0) return false;
    } while (!count->compare_exchange_weak(holders, holders + 1, std::memory_order_acquire));
    return true;
  }
  void LetGo(Count* count) {
    const uint64_t holders = count->fetch_sub(1, std::memory_order_acq_rel);
    if (ABSL_PREDICT_FALSE(holders == 1)) CountIsOver();
  }

  // Takes the map's part out of each count. To be called once.
  void GiveUp();
  bool IsIdle() const;
  // Calls `idle` once: at once if nobody holds the servable, else on the thread of the last holder.
  // To be called after GiveUp.
  void CallWhenIdle(std::function<void()> idle);

 private:
  ServableUse(const ServableId& id, Loader* loader, std::shared_ptr<Count> first_count);

  void CountIsOver();

  // Constant after construction.
  const ServableId id_;
  Loader* const loader_;
  const std::shared_ptr<Count> first_count_;

  // Synchronises itself.
  std::atomic<size_t> counts_left_;

  mutable absl::Mutex mu_;
  bool is_idle_ ABSL_GUARDED_BY(mu_) = false;
  std::function<void()> idle_ ABSL_GUARDED_BY(mu_);
  // Itself, until it is idle.
  std::shared_ptr<ServableUse> self_ ABSL_GUARDED_BY(mu_);
};

// The servables that are ready: a hash table of streams, each replaced as a whole by an update.
// A handle keeps its own servable and never the map, so that a handle held for long is nobody
// else's trouble.
//
// Units:    none.
// Errors:   kNotFound "Servable not found for request: ...".
// Threads:  safe from any thread. Lookups take no lock and wait for nobody, and write to no cache
//           line that another thread's lookups write to, unless there are more threads than counts.
//           Add and Remove cost the versions of one stream, and do not wait for lookups.
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
  struct Ready;
  struct Stream;
  class Table;
  class Handle;
  // What readers may still see.
  struct Unlinked {
    uint64_t period;
    std::shared_ptr<const void> object;
  };

  std::vector<std::unique_ptr<UntypedServableHandle>> FindAll(const std::string& name) const;

  // Puts `use`, or nothing, in the place of what was there, which it returns.
  std::shared_ptr<ServableUse> Replace(const ServableId& id, ServableUse* use)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(update_mu_);
  std::shared_ptr<ServableUse::Count> TakeCounts() ABSL_EXCLUSIVE_LOCKS_REQUIRED(update_mu_);
  // Makes a table of the streams that have versions.
  void Rebuild() ABSL_EXCLUSIVE_LOCKS_REQUIRED(update_mu_);
  // Frees it when nobody reads it any more.
  void Unlink(std::shared_ptr<const void> object) ABSL_EXCLUSIVE_LOCKS_REQUIRED(update_mu_);

  // Constant after construction.
  const size_t num_counts_ = ServableUse::NumCounts();

  // Synchronises itself: what readers begin with.
  std::atomic<const Table*> table_;

  absl::Mutex update_mu_;
  std::shared_ptr<Table> owned_table_ ABSL_GUARDED_BY(update_mu_);
  // The lines that the next servables get their counts from, and how many already did.
  std::shared_ptr<ServableUse::CountLine[]> count_lines_ ABSL_GUARDED_BY(update_mu_);
  size_t num_counts_taken_ ABSL_GUARDED_BY(update_mu_) = ServableUse::kServablesOfLine;
  // In the order of their periods.
  std::vector<Unlinked> unlinked_ ABSL_GUARDED_BY(update_mu_);
};

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_SERVING_MAP_H_

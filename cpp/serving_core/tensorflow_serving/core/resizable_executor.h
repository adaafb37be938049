// SPDX-License-Identifier: Apache-2.0
// Internal to BasicManager.
#ifndef TENSORFLOW_SERVING_CORE_RESIZABLE_EXECUTOR_H_
#define TENSORFLOW_SERVING_CORE_RESIZABLE_EXECUTOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/util/executor.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {
namespace internal {

// Threads that run closures; without threads the caller does. Null `env` means Env::Default().
std::unique_ptr<Executor> MakeExecutor(Env* env, const std::string& name, uint32_t num_threads);

// An executor whose number of threads may change while it works.
//
// Units:    none.
// Errors:   none.
// Threads:  safe from any thread; SetNumThreads not from a scheduled closure.
// Lifetime: as Executor.
class ResizableExecutor final : public Executor {
 public:
  // 0 threads: closures run in the caller.
  ResizableExecutor(Env* env, const std::string& name, uint32_t num_threads);
  ~ResizableExecutor() override = default;

  void Schedule(std::function<void()> fn) override;

  uint32_t num_threads() const;
  // Returns when everything scheduled before has run. Where closures never overlap (at most one
  // thread), before or after, they do not overlap in between either: Schedule waits.
  void SetNumThreads(uint32_t num_threads);
  // Returns when everything scheduled before has run. What is scheduled meanwhile, also by a
  // closure that has to be waited for, and later runs in the caller at once.
  void Finish();

 private:
  struct Pool {
    std::unique_ptr<Executor> executor;
    // How many are just calling executor->Schedule.
    int num_schedulers = 0;
  };

  bool Open() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !paused_; }
  static bool NobodySchedules(Pool* pool) { return pool->num_schedulers == 0; }
  std::unique_ptr<Pool> MakePool(uint32_t num_threads) const;
  void Replace(uint32_t num_threads, bool may_overlap);

  Env* const env_;
  const std::string name_;

  absl::Mutex resize_mu_ ABSL_ACQUIRED_BEFORE(mu_);

  mutable absl::Mutex mu_;
  bool paused_ ABSL_GUARDED_BY(mu_) = false;
  uint32_t num_threads_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<Pool> pool_ ABSL_PT_GUARDED_BY(mu_) ABSL_GUARDED_BY(mu_);
};

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_RESIZABLE_EXECUTOR_H_

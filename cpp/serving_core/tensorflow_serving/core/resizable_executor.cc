// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/resizable_executor.h"

#include <algorithm>
#include <utility>

#include "tensorflow_serving/util/inline_executor.h"
#include "tensorflow_serving/util/threadpool_executor.h"

namespace tensorflow {
namespace serving {
namespace internal {

std::unique_ptr<Executor> MakeExecutor(Env* env, const std::string& name, uint32_t num_threads) {
  if (num_threads == 0) return std::make_unique<InlineExecutor>();
  return std::make_unique<ThreadPoolExecutor>(env == nullptr ? DefaultEnv() : env, name,
                                              static_cast<int>(num_threads));
}

ResizableExecutor::ResizableExecutor(Env* env, const std::string& name, uint32_t num_threads)
    : env_(env), name_(name), num_threads_(num_threads), pool_(MakePool(num_threads)) {}

std::unique_ptr<ResizableExecutor::Pool> ResizableExecutor::MakePool(uint32_t num_threads) const {
  auto pool = std::make_unique<Pool>();
  pool->executor = MakeExecutor(env_, name_, num_threads);
  return pool;
}

void ResizableExecutor::Schedule(std::function<void()> fn) {
  Pool* pool;
  Executor* executor;
  {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(this, &ResizableExecutor::Open));
    pool = pool_.get();
    executor = pool->executor.get();
    ++pool->num_schedulers;
  }
  executor->Schedule(std::move(fn));
  absl::MutexLock lock(&mu_);
  --pool->num_schedulers;
}

uint32_t ResizableExecutor::num_threads() const {
  absl::MutexLock lock(&mu_);
  return num_threads_;
}

void ResizableExecutor::SetNumThreads(uint32_t num_threads) {
  Replace(num_threads, /*may_overlap=*/false);
}

void ResizableExecutor::Finish() { Replace(/*num_threads=*/0, /*may_overlap=*/true); }

void ResizableExecutor::Replace(uint32_t num_threads, bool may_overlap) {
  absl::MutexLock resize_lock(&resize_mu_);
  std::unique_ptr<Pool> pool = MakePool(num_threads);
  {
    absl::MutexLock lock(&mu_);
    paused_ = !may_overlap && std::min(num_threads_, num_threads) < 2;
    num_threads_ = num_threads;
    pool_.swap(pool);
    mu_.Await(absl::Condition(&NobodySchedules, pool.get()));
  }
  pool.reset();  // runs what is queued there
  absl::MutexLock lock(&mu_);
  paused_ = false;
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

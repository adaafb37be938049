// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/util/threadpool_executor.h"

#include <algorithm>
#include <utility>

#include "tensorflow/core/platform/env.h"

namespace tensorflow {
namespace serving {

ThreadPoolExecutor::ThreadPoolExecutor(Env* env, const std::string& thread_pool_name,
                                       int num_threads) {
  for (int i = 0; i < std::max(num_threads, 1); ++i) {
    threads_.emplace_back(
        env->StartThread(ThreadOptions(), thread_pool_name, [this] { RunUntilStopped(); }));
  }
}

ThreadPoolExecutor::~ThreadPoolExecutor() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  threads_.clear();  // joins
}

void ThreadPoolExecutor::Schedule(std::function<void()> fn) {
  absl::MutexLock lock(&mu_);
  queue_.push_back(std::move(fn));
}

void ThreadPoolExecutor::RunUntilStopped() {
  for (;;) {
    std::function<void()> fn;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &ThreadPoolExecutor::HasWork));
      if (queue_.empty()) return;
      fn = std::move(queue_.front());
      queue_.pop_front();
    }
    fn();
  }
}

}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_UTIL_THREADPOOL_EXECUTOR_H_
#define TENSORFLOW_SERVING_UTIL_THREADPOOL_EXECUTOR_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/util/executor.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// Runs closures on a fixed number of threads, in the order they were scheduled.
class ThreadPoolExecutor : public Executor {
 public:
  // `num_threads` below 1 counts as 1.
  ThreadPoolExecutor(Env* env, const std::string& thread_pool_name, int num_threads);
  // Runs what is still queued, then returns.
  ~ThreadPoolExecutor() override;
  ThreadPoolExecutor(const ThreadPoolExecutor&) = delete;
  ThreadPoolExecutor& operator=(const ThreadPoolExecutor&) = delete;

  void Schedule(std::function<void()> fn) override;

 private:
  void RunUntilStopped();
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return stopping_ || !queue_.empty(); }

  absl::Mutex mu_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::vector<std::unique_ptr<Thread>> threads_;  // constant after construction
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_THREADPOOL_EXECUTOR_H_

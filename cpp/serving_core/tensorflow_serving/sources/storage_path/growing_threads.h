// SPDX-License-Identifier: Apache-2.0
// Ours, internal: as many threads as pieces of work hang.
#ifndef TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_GROWING_THREADS_H_
#define TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_GROWING_THREADS_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {
namespace internal {

// Starts all work at once: on a thread that idles, else on a new one. Threads stay until the end.
//
// Units:    none.
// Errors:   none.
// Threads:  safe from any thread.
// Lifetime: the destructor waits for all work.
class GrowingThreads {
 public:
  // `env` is not owned.
  GrowingThreads(Env* env, std::string name);
  ~GrowingThreads();
  GrowingThreads(const GrowingThreads&) = delete;
  GrowingThreads& operator=(const GrowingThreads&) = delete;

  // Then runs `done`, which is quick: the thread already counts as idle, so that work started in
  // answer to `done` makes no new one.
  void Run(std::function<void()> work, std::function<void()> done);

  size_t size() const;

 private:
  struct Item {
    std::function<void()> work;
    std::function<void()> done;
  };

  void RunUntilStopped();
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return stopping_ || !queue_.empty(); }

  Env* const env_;
  const std::string name_;

  mutable absl::Mutex mu_;
  std::deque<Item> queue_ ABSL_GUARDED_BY(mu_);
  size_t idle_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::unique_ptr<Thread>> threads_ ABSL_GUARDED_BY(mu_);
};

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_GROWING_THREADS_H_

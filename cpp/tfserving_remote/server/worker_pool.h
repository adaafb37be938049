// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_WORKER_POOL_H_
#define TFSERVING_REMOTE_SERVER_WORKER_POOL_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tfserving_remote {

/// Threads that compute requests, so that I/O threads never wait for a session. First come, first
/// served. (TensorFlow's own pools run work in the caller when their queue is full: here the caller
/// is an I/O thread.)
///
/// Units:    none.
/// Errors:   work does not throw.
/// Threads:  Run is safe to call from any thread.
/// Lifetime: the destructor runs what is queued and waits for it.
class WorkerPool {
 public:
  explicit WorkerPool(int threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void Run(std::function<void()> work);

 private:
  void Work();

  absl::Mutex mu_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  absl::CondVar changed_;

  std::vector<std::thread> threads_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_WORKER_POOL_H_

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/sources/storage_path/growing_threads.h"

#include <utility>

#include "tensorflow/core/platform/env.h"

namespace tensorflow {
namespace serving {
namespace internal {

GrowingThreads::GrowingThreads(Env* env, std::string name) : env_(env), name_(std::move(name)) {}

GrowingThreads::~GrowingThreads() {
  std::vector<std::unique_ptr<Thread>> threads;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    threads.swap(threads_);
  }
  threads.clear();  // joins
}

void GrowingThreads::Run(std::function<void()> work, std::function<void()> done) {
  absl::MutexLock lock(&mu_);
  queue_.push_back({std::move(work), std::move(done)});
  if (queue_.size() <= idle_) return;
  ++idle_;
  threads_.emplace_back(env_->StartThread(ThreadOptions(), name_, [this] { RunUntilStopped(); }));
}

size_t GrowingThreads::size() const {
  absl::MutexLock lock(&mu_);
  return threads_.size();
}

void GrowingThreads::RunUntilStopped() {
  for (;;) {
    Item item;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &GrowingThreads::HasWork));
      if (queue_.empty()) return;
      item = std::move(queue_.front());
      queue_.pop_front();
      --idle_;
    }
    item.work();
    {
      absl::MutexLock lock(&mu_);
      ++idle_;
    }
    item.done();
  }
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_UTIL_FAST_READ_DYNAMIC_PTR_H_
#define TENSORFLOW_SERVING_UTIL_FAST_READ_DYNAMIC_PTR_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace tensorflow {
namespace serving {
namespace internal {

// A number that spreads the calling threads evenly over [0, num_shards).
inline size_t ShardOfThisThread(size_t num_shards) {
  static std::atomic<size_t> next_thread{0};
  thread_local const size_t thread = next_thread.fetch_add(1, std::memory_order_relaxed);
  return thread % num_shards;
}

// Keeps one copy of the read pointer per shard, each with a reference count of its own, so that
// readers on different threads seldom touch the same cache line.
template <typename T>
class ShardedReadPtrHolder {
 public:
  using ReadPtr = std::shared_ptr<const T>;

  ReadPtr get() const {
    const Shard& shard = shards_[ShardOfThisThread(kNumShards)];
    absl::MutexLock lock(&shard.mu);
    return shard.ptr;
  }

  // Replaces every copy by a fresh result of `make_read_ptr`; lets go of the old ones.
  void Update(const std::function<ReadPtr()>& make_read_ptr) {
    for (Shard& shard : shards_) {
      ReadPtr ptr = make_read_ptr();
      absl::MutexLock lock(&shard.mu);
      shard.ptr.swap(ptr);
    }
  }

 private:
  static constexpr size_t kNumShards = 16;
  struct alignas(64) Shard {
    mutable absl::Mutex mu;
    ReadPtr ptr ABSL_GUARDED_BY(mu);
  };
  std::array<Shard, kNumShards> shards_;
};

}  // namespace internal

// An object that many threads read often and that is seldom replaced as a whole.
//
// Units:    none.
// Errors:   none.
// Threads:  get() may be called from any thread at any time and waits for no other reader.
//           Update blocks until every ReadPtr to the old object is gone; a caller that holds one
//           itself waits for ever. Concurrent Updates are serialised.
// Lifetime: the destructor waits like Update.
template <typename T, typename ReadPtrHolder = internal::ShardedReadPtrHolder<T>>
class FastReadDynamicPtr {
 public:
  using ReadPtr = std::shared_ptr<const T>;
  using OwnedPtr = std::unique_ptr<T>;

  explicit FastReadDynamicPtr(OwnedPtr ptr = nullptr) { Update(std::move(ptr)); }
  ~FastReadDynamicPtr() { Update(nullptr); }
  FastReadDynamicPtr(const FastReadDynamicPtr&) = delete;
  FastReadDynamicPtr& operator=(const FastReadDynamicPtr&) = delete;

  // Puts `ptr` in place; returns what was there before, when nobody reads it any more.
  OwnedPtr Update(OwnedPtr ptr) {
    absl::MutexLock lock(&update_mu_);
    auto next = std::make_shared<Readers>();
    {
      // Every read pointer holds on to `in_use`, the last one notifies.
      std::shared_ptr<void> in_use(nullptr, [next](void*) { next->gone.Notify(); });
      T* const raw = ptr.get();
      holder_.Update([&]() -> ReadPtr {
        return raw == nullptr ? nullptr : ReadPtr(raw, [in_use](const T*) {});
      });
    }
    if (readers_ != nullptr) readers_->gone.WaitForNotification();
    readers_ = std::move(next);
    owned_.swap(ptr);
    return ptr;
  }

  // The present object, or null.
  ReadPtr get() const { return holder_.get(); }

 private:
  struct Readers {
    absl::Notification gone;
  };

  ReadPtrHolder holder_;  // synchronises itself

  absl::Mutex update_mu_;
  OwnedPtr owned_ ABSL_GUARDED_BY(update_mu_);
  std::shared_ptr<Readers> readers_ ABSL_GUARDED_BY(update_mu_);
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_FAST_READ_DYNAMIC_PTR_H_

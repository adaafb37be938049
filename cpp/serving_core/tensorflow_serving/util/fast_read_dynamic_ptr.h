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
#include "tensorflow_serving/util/read_section.h"

namespace tensorflow {
namespace serving {
namespace internal {

// Keeps several copies of the read pointer, each with a reference count of its own, so that readers
// on different threads seldom write to the same cache line.
template <typename T>
class ShardedReadPtrHolder {
 public:
  using ReadPtr = std::shared_ptr<const T>;

  ShardedReadPtrHolder() = default;
  ~ShardedReadPtrHolder() {
    for (const Shard& shard : shards_) delete shard.ptr.load();
  }
  ShardedReadPtrHolder(const ShardedReadPtrHolder&) = delete;
  ShardedReadPtrHolder& operator=(const ShardedReadPtrHolder&) = delete;

  ReadPtr get() const {
    const ReadSection section;
    const ReadPtr* const ptr = shards_[section.thread() % kNumShards].ptr.load();
    return ptr == nullptr ? nullptr : *ptr;
  }

  // Replaces every copy by a fresh result of `make_read_ptr`; lets go of the old ones.
  void Update(const std::function<ReadPtr()>& make_read_ptr) {
    std::array<std::unique_ptr<const ReadPtr>, kNumShards> old;
    for (size_t i = 0; i < kNumShards; ++i) {
      old[i].reset(shards_[i].ptr.exchange(new ReadPtr(make_read_ptr())));
    }
    AwaitReaders();  // they may just be copying the old ones
  }

 private:
  static constexpr size_t kNumShards = 16;
  struct alignas(64) Shard {
    std::atomic<const ReadPtr*> ptr{nullptr};
  };
  std::array<Shard, kNumShards> shards_;
};

}  // namespace internal

// An object that many threads read often and that is seldom replaced as a whole.
//
// Units:    none.
// Errors:   none.
// Threads:  get() may be called from any thread at any time, takes no lock and waits for nobody.
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

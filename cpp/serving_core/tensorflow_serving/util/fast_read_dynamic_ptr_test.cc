// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/util/fast_read_dynamic_ptr.h"

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tensorflow {
namespace serving {
namespace {

TEST(FastReadDynamicPtrTest, GivesTheNewestObjectAndReturnsTheOneBefore) {
  FastReadDynamicPtr<int> ptr;
  EXPECT_EQ(ptr.get(), nullptr);
  EXPECT_EQ(ptr.Update(std::make_unique<int>(1)), nullptr);
  EXPECT_EQ(*ptr.get(), 1);
  EXPECT_EQ(*ptr.Update(std::make_unique<int>(2)), 1);
  EXPECT_EQ(*ptr.get(), 2);
  EXPECT_EQ(*ptr.Update(nullptr), 2);
  EXPECT_EQ(ptr.get(), nullptr);
}

TEST(FastReadDynamicPtrTest, UpdateWaitsForReadersOfTheOldObject) {
  FastReadDynamicPtr<int> ptr(std::make_unique<int>(1));
  FastReadDynamicPtr<int>::ReadPtr reader = ptr.get();
  std::atomic<bool> released{false};
  absl::Notification replaced;
  std::thread updater([&] {
    const std::unique_ptr<int> old = ptr.Update(std::make_unique<int>(2));
    EXPECT_TRUE(released);
    EXPECT_EQ(*old, 1);
    replaced.Notify();
  });
  while (*ptr.get() == 1) std::this_thread::yield();
  EXPECT_EQ(*reader, 1);
  released = true;
  reader.reset();
  replaced.WaitForNotification();
  updater.join();
  EXPECT_EQ(*ptr.Update(nullptr), 2);
  EXPECT_EQ(ptr.get(), nullptr);
}

TEST(FastReadDynamicPtrTest, ManyReadersSeeWholeObjects) {
  FastReadDynamicPtr<std::vector<int>> ptr(std::make_unique<std::vector<int>>(4, 0));
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        const auto read = ptr.get();
        for (const int n : *read) ASSERT_EQ(n, read->front());
      }
    });
  }
  for (int n = 1; n <= 200; ++n) ptr.Update(std::make_unique<std::vector<int>>(4, n));
  done = true;
  for (std::thread& reader : readers) reader.join();
}

TEST(FastReadDynamicPtrTest, DestructorWaitsForReaders) {
  auto ptr = std::make_unique<FastReadDynamicPtr<int>>(std::make_unique<int>(1));
  std::atomic<bool> released{false};
  std::thread reader([&released, read = ptr->get()]() mutable {
    std::this_thread::yield();
    released = true;
    read.reset();
  });
  ptr.reset();
  EXPECT_TRUE(released);
  reader.join();
}

TEST(FastReadDynamicPtrTest, UpdatesOfManyThreadsHandOverEachObjectOnce) {
  constexpr int kThreads = 4;
  constexpr int kUpdates = 50;
  FastReadDynamicPtr<int> ptr;
  std::atomic<int> sum{0};
  std::vector<std::thread> writers;
  for (int i = 0; i < kThreads; ++i) {
    writers.emplace_back([&] {
      for (int n = 1; n <= kUpdates; ++n) {
        const std::unique_ptr<int> old = ptr.Update(std::make_unique<int>(n));
        if (old != nullptr) sum += *old;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  sum += *ptr.Update(nullptr);
  EXPECT_EQ(sum, kThreads * kUpdates * (kUpdates + 1) / 2);
}

// The simplest holder there can be.
template <typename T>
class OnePtrHolder {
 public:
  using ReadPtr = std::shared_ptr<const T>;
  ReadPtr get() const { return std::atomic_load(&ptr_); }
  void Update(const std::function<ReadPtr()>& make_read_ptr) {
    std::atomic_store(&ptr_, make_read_ptr());
  }

 private:
  ReadPtr ptr_;
};

TEST(FastReadDynamicPtrTest, TakesAHolderOfTheCaller) {
  FastReadDynamicPtr<int, OnePtrHolder<int>> ptr(std::make_unique<int>(1));
  EXPECT_EQ(*ptr.get(), 1);
  EXPECT_EQ(*ptr.Update(std::make_unique<int>(2)), 1);
  EXPECT_EQ(*ptr.get(), 2);
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

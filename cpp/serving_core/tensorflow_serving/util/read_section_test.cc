// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/util/read_section.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tensorflow {
namespace serving {
namespace internal {
namespace {

TEST(ReadSectionTest, HoldsBackPeriodsThatBeginWithinIt) {
  uint64_t period = 0;
  {
    const ReadSection section;
    period = BeginPeriod();
    EXPECT_LT(OldestReader(), period);
  }
  EXPECT_GE(OldestReader(), period);
}

TEST(ReadSectionTest, HoldsBackNothingThatWasUnlinkedBeforeIt) {
  const uint64_t period = BeginPeriod();
  const ReadSection section;
  EXPECT_GE(OldestReader(), period);
}

TEST(ReadSectionTest, AwaitReadersWaitsForSectionsOfOtherThreads) {
  absl::Notification reading;
  absl::Notification go_on;
  std::atomic<bool> read{false};
  std::thread reader([&] {
    const ReadSection section;
    reading.Notify();
    go_on.WaitForNotification();
    read = true;
  });
  reading.WaitForNotification();
  std::thread releaser([&] { go_on.Notify(); });
  AwaitReaders();
  EXPECT_TRUE(read);
  reader.join();
  releaser.join();
}

TEST(ReadSectionTest, ThreadsHaveNumbersOfTheirOwn) {
  constexpr int kThreads = 20;
  std::vector<size_t> numbers(kThreads);
  std::vector<std::thread> threads;
  std::atomic<int> num_read{0};
  for (size_t& number : numbers) {
    threads.emplace_back([&] {
      number = ReadSection().thread();
      for (++num_read; num_read < kThreads;) std::this_thread::yield();
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::sort(numbers.begin(), numbers.end());
  EXPECT_EQ(std::adjacent_find(numbers.begin(), numbers.end()), numbers.end());
}

// The number of a thread that runs alone; `reads_at_its_end` says whether it also reads when its
// own slot is given back.
size_t NumberOfNewThread(bool reads_at_its_end) {
  struct ReadsInDestructor {
    ~ReadsInDestructor() {
      if (active) ReadSection().thread();
    }
    bool active = false;
  };
  size_t number = 0;
  std::thread([&] {
    thread_local ReadsInDestructor outlives_the_slot;
    outlives_the_slot.active = reads_at_its_end;
    number = ReadSection().thread();
  }).join();
  return number;
}

TEST(ReadSectionTest, NumbersOfThreadsThatEndedAreGivenAnew) {
  const size_t number = NumberOfNewThread(false);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(NumberOfNewThread(false), number);
}

TEST(ReadSectionTest, ThreadsMayReadUntilTheirVeryEnd) {
  const size_t number = NumberOfNewThread(true);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(NumberOfNewThread(true), number);
}

// What readers see is never freed under their eyes: each object says so before it dies.
TEST(ReadSectionStressTest, NothingIsFreedThatSomebodyReads) {
  struct Object {
    ~Object() { alive = 0; }
    int alive = 1;
  };
  std::atomic<Object*> published{new Object};
  std::atomic<bool> stop{false};
  std::atomic<int> num_reads{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      for (; !stop; std::this_thread::yield()) {
        const ReadSection section;
        if (published.load()->alive != 1) ++wrong;
        ++num_reads;
      }
    });
  }
  for (int i = 0; i < 300 || num_reads < 3000; ++i) {
    Object* const old = published.exchange(new Object);
    AwaitReaders();
    delete old;
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  delete published.load();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

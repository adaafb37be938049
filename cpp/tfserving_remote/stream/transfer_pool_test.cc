// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/transfer_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tfserving_remote {
namespace {

// Transfers that wait at a gate, and how many of them do.
class Gate {
 public:
  void Pass() {
    absl::MutexLock lock(&mu_);
    most_ = std::max(most_, ++waiting_);
    mu_.Await(absl::Condition(&open_));
    --waiting_;
  }
  void Open() {
    absl::MutexLock lock(&mu_);
    open_ = true;
  }
  void AwaitWaiting(int count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [this, count]()
                            ABSL_SHARED_LOCKS_REQUIRED(mu_) { return waiting_ >= count; };
    mu_.Await(absl::Condition(&enough));
  }
  int most() {
    absl::MutexLock lock(&mu_);
    return most_;
  }

 private:
  absl::Mutex mu_;
  bool open_ ABSL_GUARDED_BY(mu_) = false;
  int waiting_ ABSL_GUARDED_BY(mu_) = 0;
  int most_ ABSL_GUARDED_BY(mu_) = 0;
};

// What was done, in order.
class Journal {
 public:
  void Add(std::string what) {
    absl::MutexLock lock(&mu_);
    lines_.push_back(std::move(what));
  }
  std::vector<std::string> Await(size_t count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [this, count]()
                            ABSL_SHARED_LOCKS_REQUIRED(mu_) { return lines_.size() >= count; };
    mu_.Await(absl::Condition(&enough));
    return lines_;
  }

 private:
  absl::Mutex mu_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mu_);
};

TEST(TransferPoolTest, RunsNoMoreTransfersAtOnceThanItHasConnections) {
  const auto pool = CreateTransferPool({3, 100});
  Gate gate;
  Journal done;
  const auto stream = pool->OpenStream();
  for (int i = 0; i < 10; ++i) {
    stream->Submit(TransferUrgency::kDemand, [&] {
      gate.Pass();
      done.Add("x");
    });
  }
  gate.AwaitWaiting(3);
  gate.Open();
  done.Await(10);
  EXPECT_EQ(gate.most(), 3);
}

TEST(TransferPoolTest, AStreamWhoseStoreStallsDelaysNoOtherStream) {
  const auto pool = CreateTransferPool({4, 100});
  Gate stalled;
  Journal done;
  const auto slow = pool->OpenStream();
  const auto fast = pool->OpenStream();
  for (int i = 0; i < 20; ++i) slow->Submit(TransferUrgency::kDemand, [&] { stalled.Pass(); });
  stalled.AwaitWaiting(4);
  fast->Submit(TransferUrgency::kDemand, [&] { done.Add("fast"); });
  fast->Submit(TransferUrgency::kAhead, [&] { done.Add("fast"); });
  EXPECT_EQ(done.Await(2).size(), 2);
  stalled.Open();
}

TEST(TransferPoolTest, DemandGoesBeforeReadingAhead) {
  const auto pool = CreateTransferPool({1, 100});
  Gate gate, one_at_a_time;
  Journal done;
  const auto stream = pool->OpenStream();
  for (int i = 0; i < 2; ++i) stream->Submit(TransferUrgency::kDemand, [&] { gate.Pass(); });
  gate.AwaitWaiting(2);
  stream->Submit(TransferUrgency::kAhead, [&] { done.Add("ahead"); });
  stream->Submit(TransferUrgency::kDemand, [&] {
    done.Add("demand");
    one_at_a_time.Pass();
  });
  stream->Submit(TransferUrgency::kDemand, [&] {
    done.Add("demand");
    one_at_a_time.Pass();
  });
  gate.Open();
  one_at_a_time.AwaitWaiting(2);
  one_at_a_time.Open();
  EXPECT_THAT(done.Await(3), testing::ElementsAre("demand", "demand", "ahead"));
}

TEST(TransferPoolTest, StreamsShareTheBudgetEvenly) {
  const auto pool = CreateTransferPool({1, 100});
  const auto one = pool->OpenStream();
  EXPECT_TRUE(one->TryReserve(100)) << "alone it has all";
  EXPECT_FALSE(one->TryReserve(1));
  const auto two = pool->OpenStream();
  EXPECT_FALSE(two->TryReserve(1)) << "nothing is left yet";
  one->Release(60);
  EXPECT_TRUE(two->TryReserve(50));
  EXPECT_FALSE(two->TryReserve(1)) << "this is its share";
  one->Reserve(1000);
  EXPECT_FALSE(one->TryReserve(1));
  one->Release(1000);
}

TEST(TransferPoolTest, AStreamThatHoldsNothingTakesNoShare) {
  const auto pool = CreateTransferPool({1, 100});
  const auto loaded = pool->OpenStream();
  ASSERT_TRUE(loaded->TryReserve(10));
  loaded->Release(10);
  EXPECT_TRUE(pool->OpenStream()->TryReserve(100));
}

TEST(TransferPoolTest, AClosedStreamGivesItsBudgetBack) {
  const auto pool = CreateTransferPool({1, 100});
  pool->OpenStream()->Reserve(100);
  EXPECT_TRUE(pool->OpenStream()->TryReserve(100));
}

TEST(TransferPoolTest, AClosedStreamDropsWhatWaitsAndWaitsForWhatRuns) {
  const auto pool = CreateTransferPool({1, 100});
  Gate gate;
  Journal done;
  auto stream = pool->OpenStream();
  for (int i = 0; i < 2; ++i) {
    stream->Submit(TransferUrgency::kDemand, [&] {
      gate.Pass();
      done.Add("ran");
    });
  }
  gate.AwaitWaiting(2);
  stream->Submit(TransferUrgency::kDemand, [&] { done.Add("dropped"); });
  const auto opener = pool->OpenStream();
  opener->Submit(TransferUrgency::kDemand, [&] { gate.Open(); });
  // The third may run when it is quicker than this thread; what ran must be over afterwards.
  stream.reset();
  EXPECT_GE(done.Await(2).size(), 2);
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/send_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tfserving_remote/net/flood_guard.h"
#include "tfserving_remote/net/outgoing_message.h"

namespace tfserving_remote {
namespace {

std::string Contents(const SendQueue& queue) {
  iovec pieces[64];
  const size_t count = queue.Peek(pieces, 64);
  std::string contents;
  for (size_t i = 0; i < count; ++i) {
    contents.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  return contents;
}

TEST(SendQueueTest, KeepsTheOrderOfCopiesAndReferences) {
  SendQueue queue;
  auto large = std::make_shared<const std::string>(50'000, 'r');
  queue.Copy("head");
  queue.Reference(*large, large);
  queue.Copy("tail");
  EXPECT_EQ(queue.size(), 50'008u);
  EXPECT_TRUE(Contents(queue) == "head" + *large + "tail");
}

TEST(SendQueueTest, SendsNothingTwiceHoweverItIsConsumed) {
  SendQueue queue;
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    const std::string part(100 + i, static_cast<char>('a' + i % 26));
    queue.Copy(part);
    expected += part;
  }
  std::string sent;
  std::vector<SendQueue::Done> due;
  while (!queue.empty()) {
    iovec piece;
    ASSERT_EQ(queue.Peek(&piece, 1), 1u);
    const size_t taken = std::min<size_t>(piece.iov_len, 1000);
    sent.append(static_cast<const char*>(piece.iov_base), taken);
    queue.Consume(taken, &due);
    if (sent.size() % 7 == 0) {
      queue.Copy("x");
      expected += "x";
    }
  }
  EXPECT_TRUE(sent == expected);
}

TEST(SendQueueTest, LetsGoOfOwnersAndSaysWhenBytesHaveLeft) {
  SendQueue queue;
  auto owner = std::make_shared<const std::string>(10'000, 'o');
  queue.Reference(*owner, owner);
  int outcome = -1;
  queue.OnSent([&](bool sent) { outcome = sent ? 1 : 0; });
  queue.Copy("after");
  std::vector<SendQueue::Done> due;
  queue.Consume(9'999, &due);
  EXPECT_TRUE(due.empty());
  EXPECT_EQ(owner.use_count(), 2);
  queue.Consume(2, &due);
  ASSERT_EQ(due.size(), 1u);
  due[0](true);
  EXPECT_EQ(outcome, 1);
  EXPECT_EQ(owner.use_count(), 1);
  EXPECT_EQ(Contents(queue), "fter");
}

TEST(SendQueueTest, HandsBackWhatWillNeverBeSent) {
  SendQueue queue;
  queue.Copy("x");
  queue.OnSent([](bool) {});
  std::vector<SendQueue::Done> failed;
  queue.Clear(&failed);
  EXPECT_EQ(failed.size(), 1u);
  EXPECT_TRUE(queue.empty());
}

TEST(OutgoingMessageTest, FramesSlicesInPiecesOfAnySize) {
  const std::string large(20'000, 'l');
  for (size_t step : {1, 3, 4096, 100'000}) {
    OutgoingMessage message = OutgoingMessage::Framed(
        {GrpcSlice::Of("small"), GrpcSlice(), GrpcSlice::Of(large), GrpcSlice::Of("")}, nullptr);
    SendQueue queue;
    std::string sent;
    std::vector<SendQueue::Done> due;
    while (message.remaining() > 0) {
      message.Emit(std::min<uint64_t>(step, message.remaining()), &queue);
      sent += Contents(queue);
      queue.Consume(queue.size(), &due);
    }
    EXPECT_EQ(sent.substr(0, 5), std::string("\0\0\0\x4e\x25", 5));
    EXPECT_TRUE(sent.substr(5) == "small" + large) << step;
  }
}

TEST(FloodGuardTest, AllowsABurstAndThenOnlyTheRate) {
  TokenBucket bucket(3, 1);
  auto now = std::chrono::steady_clock::time_point(std::chrono::hours(1));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.Take(now));
  EXPECT_FALSE(bucket.Take(now));
  now += std::chrono::milliseconds(1500);
  EXPECT_TRUE(bucket.Take(now));
  EXPECT_FALSE(bucket.Take(now));
  now += std::chrono::hours(1);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.Take(now));
  EXPECT_FALSE(bucket.Take(now));
}

TEST(FloodGuardTest, PingsAreFreeWhileDataFlows) {
  FloodGuard guard;
  const auto now = std::chrono::steady_clock::time_point(std::chrono::hours(1));
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_TRUE(guard.OnPing(now));
    guard.SawProgress();
  }
  int allowed = 0;
  while (guard.OnPing(now)) ++allowed;
  EXPECT_LT(allowed, 200);
}

TEST(FloodGuardTest, ResetsAreWeighedAgainstCallsThatEnd) {
  FloodGuard guard;
  const auto now = std::chrono::steady_clock::time_point(std::chrono::hours(1));
  for (int i = 0; i < 5'000; ++i) {
    guard.SawCall();
    EXPECT_TRUE(guard.OnReset(now));
  }
  int allowed = 0;
  while (guard.OnReset(now)) ++allowed;
  EXPECT_LE(allowed, 1000);
}

}  // namespace
}  // namespace tfserving_remote

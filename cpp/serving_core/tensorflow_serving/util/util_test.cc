// SPDX-License-Identifier: Apache-2.0
// Tests of util/.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/util/any_ptr.h"
#include "tensorflow_serving/util/event_bus.h"
#include "tensorflow_serving/util/hash.h"
#include "tensorflow_serving/util/inline_executor.h"
#include "tensorflow_serving/util/observer.h"
#include "tensorflow_serving/util/retrier.h"
#include "tensorflow_serving/util/threadpool_executor.h"

namespace tensorflow {
namespace serving {
namespace {

using ::testing::ElementsAre;

struct Base {
  virtual ~Base() = default;
};
struct Derived : Base {};

TEST(AnyPtrTest, GivesBackExactlyTheTypeItWasMadeFrom) {
  Derived object;
  const AnyPtr any = &object;
  EXPECT_EQ(any.get<Derived>(), &object);
  EXPECT_EQ(any.get<Base>(), nullptr);
  EXPECT_EQ(any.get<const Derived>(), nullptr);
  const Derived& constant = object;
  EXPECT_EQ(AnyPtr(&constant).get<Derived>(), nullptr);
  EXPECT_EQ(AnyPtr(&constant).get<const Derived>(), &object);
  EXPECT_EQ(AnyPtr().get<int>(), nullptr);
  EXPECT_EQ(AnyPtr(nullptr).get<int>(), nullptr);
}

TEST(UniqueAnyPtrTest, OwnsAndMoves) {
  auto shared = std::make_shared<int>(1);
  UniqueAnyPtr a(std::make_unique<std::shared_ptr<int>>(shared));
  UniqueAnyPtr b = std::move(a);
  EXPECT_EQ(a.get<std::shared_ptr<int>>(), nullptr);  // NOLINT: what is left is null
  EXPECT_EQ(**b.get<std::shared_ptr<int>>(), 1);
  EXPECT_EQ(b.as_any_ptr().get<int>(), nullptr);
  EXPECT_EQ(shared.use_count(), 2);
  b = UniqueAnyPtr();
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(ObserverTest, NotifierDoesNothingAfterTheObserversDeath) {
  int sum = 0;
  auto observer = std::make_unique<Observer<int>>([&](int n) { sum += n; });
  const Observer<int>::Function notify = observer->Notifier();
  notify(1);
  observer.reset();
  notify(2);
  EXPECT_EQ(sum, 1);
}

TEST(ObserverTest, ListSkipsTheDeadAndForgetsWhenCleared) {
  std::vector<std::string> seen;
  Observer<std::string> first([&](std::string s) { seen.push_back("first " + s); });
  auto second = std::make_unique<Observer<std::string>>(
      [&](std::string s) { seen.push_back("second " + s); });
  ObserverList<std::string> list;
  list.Add(first);
  list.Add(*second);
  list.Notify("a");
  second.reset();
  list.Notify("b");
  list.Clear();
  list.Notify("c");
  EXPECT_THAT(seen, ElementsAre("first a", "second a", "first b"));
}

TEST(EventBusTest, CallsSubscribersInOrderUntilTheyLeave) {
  const auto bus = EventBus<int>::CreateEventBus();
  std::vector<std::string> seen;
  uint64_t time = 0;
  auto first = bus->Subscribe([&](const EventBus<int>::EventAndTime& e) {
    seen.push_back("first " + std::to_string(e.event));
    time = e.event_time_micros;
  });
  const auto second = bus->Subscribe([&](const EventBus<int>::EventAndTime& e) {
    seen.push_back("second " + std::to_string(e.event));
  });
  bus->Publish(1);
  first.reset();
  bus->Publish(2);
  EXPECT_THAT(seen, ElementsAre("first 1", "second 1", "second 2"));
  EXPECT_GT(time, 0);
}

TEST(EventBusTest, SubscriptionMayOutliveTheBus) {
  auto bus = EventBus<int>::CreateEventBus();
  auto subscription = bus->Subscribe([](const EventBus<int>::EventAndTime&) {});
  bus.reset();
  subscription.reset();
}

TEST(EventBusTest, UnsubscribingWaitsForARunningCallback) {
  const auto bus = EventBus<int>::CreateEventBus();
  absl::Notification running;
  absl::Notification go_on;
  std::atomic<bool> finished{false};
  auto subscription = bus->Subscribe([&](const EventBus<int>::EventAndTime&) {
    running.Notify();
    go_on.WaitForNotification();
    finished = true;
  });
  std::thread publisher([&] { bus->Publish(1); });
  running.WaitForNotification();
  std::thread releaser([&] { go_on.Notify(); });
  subscription.reset();
  EXPECT_TRUE(finished);
  publisher.join();
  releaser.join();
}

TEST(ExecutorTest, InlineExecutorRunsInTheCaller) {
  std::thread::id id;
  InlineExecutor().Schedule([&] { id = std::this_thread::get_id(); });
  EXPECT_EQ(id, std::this_thread::get_id());
}

TEST(ExecutorTest, ThreadPoolRunsAtTheSameTimeAndDrainsAtItsEnd) {
  std::atomic<int> count{0};
  {
    ThreadPoolExecutor executor(internal::DefaultEnv(), "test", 2);
    absl::BlockingCounter both(2);
    for (int i = 0; i < 2; ++i) {
      executor.Schedule([&] {
        both.DecrementCount();
        ++count;
      });
    }
    both.Wait();
    for (int i = 0; i < 100; ++i) executor.Schedule([&] { ++count; });
  }
  EXPECT_EQ(count, 102);
}

TEST(RetryTest, TriesUntilItSucceeds) {
  int attempts = 0;
  EXPECT_TRUE(Retry("load", 5, 0, [&] {
                return ++attempts == 3 ? absl::OkStatus() : absl::UnavailableError("not yet");
              }).ok());
  EXPECT_EQ(attempts, 3);
}

TEST(RetryTest, ReturnsTheLastErrorAfterAllAttempts) {
  int attempts = 0;
  const absl::Status status =
      Retry("load", 2, -1, [&] { return absl::UnavailableError(std::to_string(++attempts)); });
  EXPECT_EQ(status, absl::UnavailableError("3"));
}

TEST(RetryTest, StopsWhenTheErrorIsNotWorthIt) {
  int attempts = 0;
  const absl::Status status = Retry(
      "load", 5, 0,
      [&] {
        return ++attempts == 2 ? absl::DataLossError("broken") : absl::UnavailableError("busy");
      },
      [](absl::Status error) { return absl::IsUnavailable(error); });
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(attempts, 2);
}

TEST(HashTest, DependsOnOrder) { EXPECT_NE(HashCombine(1, 2), HashCombine(2, 1)); }

}  // namespace
}  // namespace serving
}  // namespace tensorflow

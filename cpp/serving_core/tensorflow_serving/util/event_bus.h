// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_UTIL_EVENT_BUS_H_
#define TENSORFLOW_SERVING_UTIL_EVENT_BUS_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// Carries events of one type from publishers to subscribers.
//
// Units:    event times are microseconds since the epoch.
// Errors:   none.
// Threads:  safe from any thread. A callback runs on the publisher's thread, in subscription order,
//           under the bus's one mutex: events reach every subscriber in the same order, and a
//           callback may not publish, subscribe or unsubscribe (it would wait for itself).
// Lifetime: bus and subscriptions may die in any order.
template <typename E>
class EventBus : public std::enable_shared_from_this<EventBus<E>> {
 public:
  // Destroying it ends the subscription, after waiting for a running callback.
  class Subscription {
   public:
    ~Subscription() {
      if (const std::shared_ptr<EventBus> bus = bus_.lock()) bus->Unsubscribe(this);
    }
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

   private:
    friend class EventBus;
    explicit Subscription(std::weak_ptr<EventBus> bus) : bus_(std::move(bus)) {}

    const std::weak_ptr<EventBus> bus_;
  };

  struct EventAndTime {
    const E& event;
    uint64_t event_time_micros;
  };
  using Callback = std::function<void(const EventAndTime&)>;

  struct Options {
    Env* env = internal::DefaultEnv();
  };

  static std::shared_ptr<EventBus> CreateEventBus(const Options& options = {}) {
    return std::shared_ptr<EventBus>(new EventBus(options));
  }

  EventBus(const EventBus&) = delete;
  EventBus& operator=(const EventBus&) = delete;

  [[nodiscard]] std::unique_ptr<Subscription> Subscribe(const Callback& callback) {
    std::unique_ptr<Subscription> subscription(new Subscription(this->shared_from_this()));
    absl::MutexLock lock(&mu_);
    subscribers_.push_back({subscription.get(), callback});
    return subscription;
  }

  void Publish(const E& event) {
    absl::MutexLock lock(&mu_);
    const EventAndTime event_and_time{event, internal::NowMicros(options_.env)};
    for (const Subscriber& subscriber : subscribers_) subscriber.callback(event_and_time);
  }

 private:
  struct Subscriber {
    const Subscription* subscription;
    Callback callback;
  };

  explicit EventBus(const Options& options) : options_(options) {}

  void Unsubscribe(const Subscription* subscription) {
    absl::MutexLock lock(&mu_);
    subscribers_.erase(std::remove_if(subscribers_.begin(), subscribers_.end(),
                                      [subscription](const Subscriber& subscriber) {
                                        return subscriber.subscription == subscription;
                                      }),
                       subscribers_.end());
  }

  const Options options_;

  absl::Mutex mu_;
  std::vector<Subscriber> subscribers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_EVENT_BUS_H_

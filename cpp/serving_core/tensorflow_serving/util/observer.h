// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_UTIL_OBSERVER_H_
#define TENSORFLOW_SERVING_UTIL_OBSERVER_H_

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tensorflow {
namespace serving {

// Hands out closures that call one function for as long as the observer lives.
//
// Units:    none.
// Errors:   none; a closure called after the observer's death does nothing.
// Threads:  closures may be called from any thread; calls of the function are serialised. The
//           function may not call a closure of its own observer, nor destroy the observer.
// Lifetime: closures may outlive the observer; its destructor waits for a running call.
template <typename... Args>
class Observer {
 public:
  using Function = std::function<void(Args...)>;

  explicit Observer(Function f) : target_(std::make_shared<Target>()) {
    absl::MutexLock lock(&target_->mu);
    target_->function = std::move(f);
  }
  ~Observer() {
    Function last;  // destroyed outside the lock
    absl::MutexLock lock(&target_->mu);
    last.swap(target_->function);
  }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  Function Notifier() const {
    return [target = target_](Args... args) {
      absl::MutexLock lock(&target->mu);
      if (target->function) target->function(std::forward<Args>(args)...);
    };
  }

 private:
  struct Target {
    absl::Mutex mu;
    Function function ABSL_GUARDED_BY(mu);
  };

  const std::shared_ptr<Target> target_;
};

// Calls many observers at once.
//
// Units:    none.
// Errors:   none; observers that have died are skipped.
// Threads:  safe from any thread; observers are called outside the list's lock.
// Lifetime: does not own the observers.
template <typename... Args>
class ObserverList {
 public:
  void Add(const Observer<Args...>& observer) {
    absl::MutexLock lock(&mu_);
    notifiers_.push_back(observer.Notifier());
  }

  // Calls the observers in the order they were added.
  void Notify(const Args&... args) const {
    std::vector<typename Observer<Args...>::Function> notifiers;
    {
      absl::MutexLock lock(&mu_);
      notifiers = notifiers_;
    }
    for (const auto& notifier : notifiers) notifier(args...);
  }

  void Clear() {
    absl::MutexLock lock(&mu_);
    notifiers_.clear();
  }

 private:
  mutable absl::Mutex mu_;
  std::vector<typename Observer<Args...>::Function> notifiers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_OBSERVER_H_

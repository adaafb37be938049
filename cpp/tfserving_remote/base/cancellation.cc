// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/base/cancellation.h"

#include <utility>

namespace tfserving_remote {

void Cancellation::Cancel() {
  {
    absl::MutexLock lock(&mu_);
    if (cancelled_) return;
    cancelled_ = true;
  }
  // One at a time and outside the lock: a callback may register or unregister others.
  for (;;) {
    std::function<void()> callback;
    {
      absl::MutexLock lock(&mu_);
      running_id_ = 0;
      if (callbacks_.empty()) return;
      auto first = callbacks_.begin();
      running_id_ = first->first;
      callback = std::move(first->second);
      callbacks_.erase(first);
    }
    callback();
  }
}

bool Cancellation::cancelled() const {
  absl::MutexLock lock(&mu_);
  return cancelled_;
}

Cancellation::Registration::Registration(Cancellation* cancellation,
                                         std::function<void()> on_cancel)
    : cancellation_(cancellation) {
  if (cancellation_ == nullptr) return;
  {
    absl::MutexLock lock(&cancellation_->mu_);
    if (!cancellation_->cancelled_) {
      id_ = cancellation_->next_id_++;
      cancellation_->callbacks_.emplace(id_, std::move(on_cancel));
      return;
    }
  }
  on_cancel();
}

Cancellation::Registration::~Registration() {
  if (cancellation_ == nullptr || id_ == 0) return;
  absl::MutexLock lock(&cancellation_->mu_);
  if (cancellation_->callbacks_.erase(id_) > 0) return;
  const auto finished = [this] {
    cancellation_->mu_.AssertHeld();
    return cancellation_->running_id_ != id_;
  };
  cancellation_->mu_.Await(absl::Condition(&finished));
}

}  // namespace tfserving_remote

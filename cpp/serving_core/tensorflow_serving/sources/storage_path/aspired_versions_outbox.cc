// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/sources/storage_path/aspired_versions_outbox.h"

#include <algorithm>

namespace tensorflow {
namespace serving {
namespace internal {

void AspiredVersionsOutbox::SetCallback(Callback callback) {
  absl::MutexLock lock(&mu_);
  callback_ = std::move(callback);
}

void AspiredVersionsOutbox::SetNotifier(std::function<void()> notifier) {
  absl::MutexLock lock(&mu_);
  notifier_ = std::move(notifier);
}

void AspiredVersionsOutbox::Put(const std::string& servable_name,
                                std::vector<ServableData<StoragePath>> versions) {
  absl::MutexLock lock(&mu_);
  if (callback_ == nullptr || closed_) return;
  waiting_.erase(
      std::remove_if(waiting_.begin(), waiting_.end(),
                     [&](const Letter& letter) { return letter.first == servable_name; }),
      waiting_.end());
  waiting_.emplace_back(servable_name, std::move(versions));
}

void AspiredVersionsOutbox::Deliver() {
  mu_.Lock();
  if (delivering_) {
    mu_.Unlock();
    return;
  }
  delivering_ = true;
  while (!waiting_.empty()) {
    Letter letter = std::move(waiting_.front());
    waiting_.pop_front();
    const Callback callback = callback_;
    const std::function<void()> notifier = notifier_;
    mu_.Unlock();
    callback(letter.first, std::move(letter.second));
    if (notifier) notifier();
    mu_.Lock();
  }
  delivering_ = false;
  mu_.Unlock();
}

void AspiredVersionsOutbox::Close() {
  absl::MutexLock lock(&mu_);
  closed_ = true;
  waiting_.clear();
  mu_.Await(absl::Condition(this, &AspiredVersionsOutbox::Idle));
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

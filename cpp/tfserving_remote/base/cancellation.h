// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_BASE_CANCELLATION_H_
#define TFSERVING_REMOTE_BASE_CANCELLATION_H_

#include <cstdint>
#include <functional>
#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tfserving_remote {

/// A one-way switch that tells work in progress to stop.
///
/// Units:    none.
/// Errors:   none; work that sees the switch thrown returns CANCELLED itself.
/// Threads:  safe to call from any thread.
/// Lifetime: outlives every Registration on it.
class Cancellation {
 public:
  Cancellation() = default;
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  /// Throws the switch and runs the registered callbacks once, on this thread. Idempotent.
  void Cancel();
  bool cancelled() const;

  /// Runs `on_cancel` when the switch is thrown, or at once when it already is. The destructor
  /// takes the callback back and waits for it if it is running on another thread. A null
  /// `cancellation` never fires.
  class Registration {
   public:
    Registration(Cancellation* cancellation, std::function<void()> on_cancel);
    ~Registration();
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

   private:
    Cancellation* const cancellation_;
    uint64_t id_ = 0;
  };

 private:
  mutable absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t next_id_ ABSL_GUARDED_BY(mu_) = 1;
  uint64_t running_id_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<uint64_t, std::function<void()>> callbacks_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_BASE_CANCELLATION_H_

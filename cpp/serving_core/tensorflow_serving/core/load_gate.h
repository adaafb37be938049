// SPDX-License-Identifier: Apache-2.0
// Internal to BasicManager.
#ifndef TENSORFLOW_SERVING_CORE_LOAD_GATE_H_
#define TENSORFLOW_SERVING_CORE_LOAD_GATE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/core/loader_harness.h"
#include "tensorflow_serving/resources/resource_tracker.h"

namespace tensorflow {
namespace serving {
namespace internal {

// Lets a load begin when there are resources for it. Loads take turns, so that no two of them are
// promised the same memory; one that does not fit keeps its turn while something else is executing
// whose end may make room, and no smaller one overtakes it.
//
// Units:    none.
// Errors:   kResourceExhausted "Insufficient resources to load servable {..}"; kCancelled if the
//           load is cancelled while it waits; an estimator's own code with the prefix "Error while
//           attempting to reserve resources to load servable {..}: ".
// Threads:  safe from any thread. Loaders are asked for their estimates without a lock, and the new
//           one for the first time before its turn, because it may have to ask a slow store.
// Lifetime: outlives every Approve. `managed` is called during Approve only.
class LoadGate {
 public:
  using Harnesses = std::vector<std::shared_ptr<LoaderHarness>>;

  // Without a tracker every load may begin. `managed` tells of all servables of the manager.
  LoadGate(std::unique_ptr<ResourceTracker> tracker, std::function<Harnesses()> managed);

  // Takes a requested load to kLoadApproved, or to kError if it may not begin. What is approved is
  // executing until EndExecution.
  absl::Status Approve(LoaderHarness* harness);

  // An unload begins.
  void BeginExecution();
  // An approved load or an unload is over, whatever became of it.
  void EndExecution();
  // Loads were cancelled: those that wait here are to notice.
  void NoticeCancelled();

 private:
  // The error is that of an estimator. Otherwise `verdict` is final.
  absl::Status EstimateAndDecide(LoaderHarness* harness, absl::Status* verdict);
  absl::Status Decide(LoaderHarness* harness, absl::Status* verdict);
  absl::Status TryReserve(const LoaderHarness& harness, bool* fits);
  absl::Status Admit(LoaderHarness* harness);
  // Whether there is something to wait for any longer, after an attempt at `num_ended`.
  absl::Status AwaitRoom(LoaderHarness* harness, int64_t num_ended);
  absl::Status TakeTurn(LoaderHarness* harness);
  void GiveTurnBack();
  int64_t num_ended() const;

  const std::function<Harnesses()> managed_;
  // Used by whoever has the turn.
  const std::unique_ptr<ResourceTracker> tracker_;

  mutable absl::Mutex mu_;
  absl::CondVar changed_;
  bool turn_taken_ ABSL_GUARDED_BY(mu_) = false;
  int num_executing_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t num_ended_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_LOAD_GATE_H_

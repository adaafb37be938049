// SPDX-License-Identifier: Apache-2.0
// Ours, internal: makes a source's calls without a lock and in order.
#ifndef TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_ASPIRED_VERSIONS_OUTBOX_H_
#define TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_ASPIRED_VERSIONS_OUTBOX_H_

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/source.h"
#include "tensorflow_serving/core/storage_path.h"

namespace tensorflow {
namespace serving {
namespace internal {

// Lists that wait to be told to one callback.
//
// Units:    as Source.
// Errors:   none.
// Threads:  safe from any thread. One call at a time, in the order they were put in, without any
//           lock; whoever calls Deliver while a call runs leaves its lists to that thread, so that
//           a callback that blocks keeps nobody else waiting, and may come back here.
// Lifetime: after Close no call runs and none starts.
class AspiredVersionsOutbox {
 public:
  using Callback = Source<StoragePath>::AspiredVersionsCallback;

  void SetCallback(Callback callback);
  // Called after every call of the callback; for tests.
  void SetNotifier(std::function<void()> notifier);

  // Replaces a list of the same stream that still waits. Dropped while there is no callback.
  void Put(const std::string& servable_name, std::vector<ServableData<StoragePath>> versions);
  // Tells what waits.
  void Deliver();
  // Drops what waits. Not to be called from the callback.
  void Close();

 private:
  using Letter = std::pair<std::string, std::vector<ServableData<StoragePath>>>;

  bool Idle() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !delivering_; }

  absl::Mutex mu_;
  Callback callback_ ABSL_GUARDED_BY(mu_);
  std::function<void()> notifier_ ABSL_GUARDED_BY(mu_);
  std::deque<Letter> waiting_ ABSL_GUARDED_BY(mu_);
  bool delivering_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_ASPIRED_VERSIONS_OUTBOX_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_INFERENCE_GRAPH_BUNDLE_FOR_TESTS_H_
#define TFSERVING_REMOTE_INFERENCE_GRAPH_BUNDLE_FOR_TESTS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow_serving/model_servers/server_core.h"

namespace tfserving_remote {

/// A small graph in a real session, made without any file. Its signatures:
///   serving_default  x float → y = x / 2 + 2, z = 2 * x
///   with_default     x float, b float (10 when absent) → sum = x + b
///   blocked          x float → item: waits until the run is stopped
///   odd_method       as serving_default, with a method_name that nobody knows
std::shared_ptr<tensorflow::SavedModelBundle> MakeGraphBundle();

/// A ServerCore that serves what a test puts into it.
///
/// Units:    none.
/// Errors:   those of TensorFlow Serving's managers.
/// Threads:  safe to call from any thread.
/// Lifetime: handles keep their servable alive.
class TestCore final : public tensorflow::serving::ServerCore {
 public:
  TestCore() : ServerCore(Options()) {}

  /// T is what handles are asked for: tensorflow::SavedModelBundle, tensorflow::serving::Servable.
  template <typename T>
  void Put(const std::string& model, int64_t version, std::shared_ptr<T> servable) {
    Put({model, version}, {tensorflow::serving::AnyPtr(servable.get()), servable});
  }

  std::vector<tensorflow::serving::ServableId> ListAvailableServableIds() const override;

 private:
  struct Entry {
    tensorflow::serving::AnyPtr servable;
    std::shared_ptr<void> owner;
  };
  class Handle;

  void Put(const tensorflow::serving::ServableId& id, Entry entry);
  absl::Status GetUntypedServableHandle(
      const tensorflow::serving::ServableRequest& request,
      std::unique_ptr<tensorflow::serving::UntypedServableHandle>* handle) override;
  std::map<tensorflow::serving::ServableId,
           std::unique_ptr<tensorflow::serving::UntypedServableHandle>>
  GetAvailableUntypedServableHandles() const override;

  mutable absl::Mutex mu_;
  std::map<tensorflow::serving::ServableId, Entry> servables_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_INFERENCE_GRAPH_BUNDLE_FOR_TESTS_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_INFERENCE_GRAPH_BUNDLE_FOR_TESTS_H_
#define TFSERVING_REMOTE_INFERENCE_GRAPH_BUNDLE_FOR_TESTS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow_serving/core/manager.h"

namespace tfserving_remote {

/// A small graph in a real session, made without any file. Its signatures:
///   serving_default  x float → y = x / 2 + 2, z = 2 * x
///   with_default     x float, b float (10 when absent) → sum = x + b
///   blocked          x float → item: waits until the run is stopped
///   odd_method       as serving_default, with a method_name that nobody knows
std::shared_ptr<tensorflow::SavedModelBundle> MakeGraphBundle();

/// A manager that serves what a test puts into it.
///
/// Units:    none.
/// Errors:   those of TensorFlow Serving's managers.
/// Threads:  safe to call from any thread.
/// Lifetime: handles keep their bundle alive.
class BundleManager final : public tensorflow::serving::Manager {
 public:
  void Put(const std::string& model, int64_t version,
           std::shared_ptr<tensorflow::SavedModelBundle> bundle);
  void Remove(const std::string& model, int64_t version);

  std::vector<tensorflow::serving::ServableId> ListAvailableServableIds() const override;

 private:
  absl::Status GetUntypedServableHandle(
      const tensorflow::serving::ServableRequest& request,
      std::unique_ptr<tensorflow::serving::UntypedServableHandle>* handle) override;
  std::map<tensorflow::serving::ServableId,
           std::unique_ptr<tensorflow::serving::UntypedServableHandle>>
  GetAvailableUntypedServableHandles() const override;

  mutable absl::Mutex mu_;
  std::map<tensorflow::serving::ServableId, std::shared_ptr<tensorflow::SavedModelBundle>> bundles_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_INFERENCE_GRAPH_BUNDLE_FOR_TESTS_H_

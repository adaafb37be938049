// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_INFERENCE_MODEL_RESOLVER_H_
#define TFSERVING_REMOTE_INFERENCE_MODEL_RESOLVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow_serving/apis/model.pb.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_handle.h"

namespace tfserving_remote {

/// A version that is pinned: it is not unloaded while this lives.
using ModelHandle = tensorflow::serving::ServableHandle<tensorflow::SavedModelBundle>;

/// model → label → version.
using LabelConfig = std::map<std::string, std::map<std::string, int64_t>>;

/// Finds the version that a request asks for: the newest, a number, or a label.
///
/// A label that moves from a version that serves to one that does not yet keeps its old version
/// until the new one is available; then it moves, for all requests at once and for good.
///
/// Units:    none.
/// Errors:   INVALID_ARGUMENT (incomplete ModelSpec, unknown label), NOT_FOUND with TensorFlow
///           Serving's `Servable not found for request: ...`, followed by the versions that serve.
/// Threads:  safe to call from any thread.
/// Lifetime: the manager outlives it; handles may outlive it.
class ModelResolver {
 public:
  explicit ModelResolver(tensorflow::serving::Manager* manager) : manager_(manager) {}
  ModelResolver(const ModelResolver&) = delete;
  ModelResolver& operator=(const ModelResolver&) = delete;

  absl::StatusOr<ModelHandle> Resolve(const tensorflow::serving::ModelSpec& spec) const;

  /// Replaces all labels. Before the first call every labelled request is UNAVAILABLE.
  void SetLabels(const LabelConfig& labels);

  /// To be told of every version that becomes available: labels that wait for it move.
  void VersionAvailable(absl::string_view model, int64_t version);

 private:
  struct Label {
    int64_t version = 0;
    /// Where the label points while `version` is not available yet.
    std::optional<int64_t> until_available;

    int64_t effective() const { return until_available.value_or(version); }
  };
  using Labels = std::map<std::string, std::map<std::string, Label>>;

  absl::StatusOr<int64_t> VersionOfLabel(const std::string& model, const std::string& label) const;
  std::string VersionsServed(const std::string& model) const;

  // Constant after construction.
  tensorflow::serving::Manager* const manager_;

  // Guarded by mu_. The map itself is never changed, only replaced.
  mutable absl::Mutex mu_;
  std::shared_ptr<const Labels> labels_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_INFERENCE_MODEL_RESOLVER_H_

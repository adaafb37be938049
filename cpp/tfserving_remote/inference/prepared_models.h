// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_INFERENCE_PREPARED_MODELS_H_
#define TFSERVING_REMOTE_INFERENCE_PREPARED_MODELS_H_

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow_serving/core/servable_handle.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tfserving_remote/inference/prepared_signature.h"

namespace tfserving_remote {

/// A version that is pinned: it is not unloaded while this lives.
using ModelHandle = tensorflow::serving::ServableHandle<tensorflow::SavedModelBundle>;

/// All signatures of one loaded version.
class PreparedModel {
 public:
  explicit PreparedModel(const tensorflow::SavedModelBundle& bundle);

  /// Null when there is none of this name.
  const PreparedSignature* Find(absl::string_view signature_name) const;

 private:
  std::map<std::string, PreparedSignature, std::less<>> signatures_;
};

/// The prepared models of the versions that serve.
///
/// Units:    none.
/// Errors:   none.
/// Threads:  safe to call from any thread.
/// Lifetime: a PreparedModel may be used while the handle that it was found for lives.
class PreparedModels {
 public:
  std::shared_ptr<const PreparedModel> Find(const ModelHandle& handle);

  /// To be called when a version has been unloaded, before it could be loaded again: its session is
  /// gone, and the prepared model with it.
  void Forget(const tensorflow::serving::ServableId& id);

 private:
  absl::Mutex mu_;
  std::map<tensorflow::serving::ServableId, std::shared_ptr<const PreparedModel>> models_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_INFERENCE_PREPARED_MODELS_H_

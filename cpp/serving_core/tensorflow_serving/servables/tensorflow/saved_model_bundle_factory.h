// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SAVED_MODEL_BUNDLE_FACTORY_H_
#define TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SAVED_MODEL_BUNDLE_FACTORY_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/resources/resources.pb.h"
#include "tensorflow_serving/servables/tensorflow/session_bundle_config.pb.h"

namespace tensorflow {
namespace serving {

// Loads SavedModels, out of folders of any file system that TensorFlow knows, as one configuration
// says. Their sessions are ServingSessions.
//
// Units:    as resources.proto and session_bundle_config.proto.
// Errors:   kNotFound where there is no SavedModel; kUnimplemented where a model or the
//           configuration asks for batching, TensorFlow Lite or whatever else is not there;
//           otherwise those of TensorFlow and its file systems.
// Threads:  all methods but mutable_config are called from many threads at once.
// Lifetime: the bundles may outlive it.
class SavedModelBundleFactory {
 public:
  static absl::Status Create(const SessionBundleConfig& config,
                             std::unique_ptr<SavedModelBundleFactory>* factory);
  SavedModelBundleFactory(const SavedModelBundleFactory&) = delete;
  SavedModelBundleFactory& operator=(const SavedModelBundleFactory&) = delete;

  // `path` is the version's folder. `*bundle` is set when all went well.
  absl::Status CreateSavedModelBundle(const std::string& path,
                                      std::unique_ptr<SavedModelBundle>* bundle);
  // With `enable_session_metadata` the session is told the servable's name and version.
  absl::Status CreateSavedModelBundleWithMetadata(const Loader::Metadata& metadata,
                                                  const std::string& path,
                                                  std::unique_ptr<SavedModelBundle>* bundle);

  // What the SavedModel needs once it is loaded; 1.2 times the size of its files.
  absl::Status EstimateResourceRequirement(const std::string& path,
                                           ResourceAllocation* estimate) const;

  const SessionBundleConfig& config() const { return config_; }
  // For changes before the first model is loaded.
  SessionBundleConfig& mutable_config() { return config_; }

 private:
  explicit SavedModelBundleFactory(const SessionBundleConfig& config) : config_(config) {}

  absl::Status CreateBundle(const Loader::Metadata* metadata, const std::string& path,
                            std::unique_ptr<SavedModelBundle>* bundle) const;
  absl::Status CheckCanLoad(const std::string& path) const;
  absl::Status MakeSessionOptions(const Loader::Metadata* metadata, const std::string& path,
                                  SessionOptions* options) const;
  absl::Status FinishSession(std::unique_ptr<Session>* session) const;
  void WarnOfWarmupData(const std::string& path) const;

  SessionBundleConfig config_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SAVED_MODEL_BUNDLE_FACTORY_H_

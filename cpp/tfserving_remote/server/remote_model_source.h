// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_REMOTE_MODEL_SOURCE_H_
#define TFSERVING_REMOTE_SERVER_REMOTE_MODEL_SOURCE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/model_servers/model_source.h"
#include "tfserving_remote/plugin/remote_models.h"

namespace tfserving_remote {

/// Where the RemoteModels of a ServerCore can be asked, for as long as there are any.
///
/// Threads:  safe to call from any thread.
/// Lifetime: shared by the source and those who ask.
class RemoteModelsInUse {
 public:
  /// Null: there are none (any more).
  void Set(const RemoteModels* models) {
    absl::MutexLock lock(&mu_);
    models_ = models;
  }
  /// As RemoteModels::WhyNoVersion.
  std::string WhyNoVersion(const std::string& model) const {
    absl::MutexLock lock(&mu_);
    return models_ == nullptr ? "" : models_->WhyNoVersion(model);
  }

 private:
  mutable absl::Mutex mu_;
  const RemoteModels* models_ ABSL_GUARDED_BY(mu_) = nullptr;
};

/// RemoteModels as the source of a ServerCore, which owns it.
///
/// Units:    as RemoteModels.
/// Errors:   as RemoteModels.
/// Threads:  as RemoteModels.
/// Lifetime: as RemoteModels.
class RemoteModelSource final : public tensorflow::serving::ModelSource {
 public:
  RemoteModelSource(std::unique_ptr<RemoteModels> models, std::shared_ptr<RemoteModelsInUse> in_use)
      : models_(std::move(models)), in_use_(std::move(in_use)) {
    in_use_->Set(models_.get());
  }
  ~RemoteModelSource() override { in_use_->Set(nullptr); }

  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override {
    models_->SetAspiredVersionsCallback(std::move(callback));
  }
  absl::Status UpdateModels(const tensorflow::serving::ModelConfigList& models) override {
    return models_->UpdateModels(models);
  }

 private:
  const std::unique_ptr<RemoteModels> models_;
  const std::shared_ptr<RemoteModelsInUse> in_use_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_REMOTE_MODEL_SOURCE_H_

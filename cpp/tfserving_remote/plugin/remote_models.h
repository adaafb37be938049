// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_PLUGIN_REMOTE_MODELS_H_
#define TFSERVING_REMOTE_PLUGIN_REMOTE_MODELS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/core/source.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tfserving_remote/policy/version_policy_adapter.h"
#include "tfserving_remote/source/remote_storage_path_source.h"
#include "tfserving_remote/source/servable_source_status.h"
#include "tfserving_remote/stream/streaming_adapter.h"

namespace tfserving_remote {

/// The plugin's Source: the versions, of the models of a ModelConfigList, that are complete in
/// their stores and wanted by the model's version policy. A StreamingSavedModelAdapter, or for
/// other platforms a StreamingPlatformAdapter, makes loaders of them.
///
/// Of a model's configuration it takes name, base path, version policy and platform: versions of
/// "tensorflow" are complete when they hold a SavedModel, those of others with their manifest or
/// when their files no longer change.
///
/// Units:    as RemoteStoragePathSource.
/// Errors:   UpdateModels: INVALID_ARGUMENT names the model whose name or base path is wrong;
///           nothing has changed then.
/// Threads:  UpdateModels and SetAspiredVersionsCallback by one thread at a time, the others are
///           safe to call from any. The callback is called as RemoteStoragePathSource does, and
///           from UpdateModels; it must not call UpdateModels.
/// Lifetime: no callback runs after the destructor. What `streaming` borrows outlives it.
class RemoteModels final : public tensorflow::serving::Source<tensorflow::serving::StoragePath> {
 public:
  struct Options {
    PollOptions poll;
    LoadRetryOptions retry;
  };

  /// `streaming` is what the adapters get too: they share the stores and the ledger of loads.
  static absl::StatusOr<std::unique_ptr<RemoteModels>> Create(Options options,
                                                              const StreamingOptions& streaming);
  ~RemoteModels() override;

  /// Starts polling. Once.
  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override;

  /// Replaces the models. New ones are polled at once; those that are gone have had their empty
  /// list sent before this returns; those whose policy changed have their versions chosen anew.
  absl::Status UpdateModels(const tensorflow::serving::ModelConfigList& models);

  /// By name; one for each model.
  std::vector<ServableSourceStatus> Snapshot() const { return source_->Snapshot(); }
  /// One sentence about a model without versions; empty for a model that is not configured.
  std::string WhyNoVersion(const std::string& model) const;

 private:
  RemoteModels(const StreamingOptions& streaming, std::unique_ptr<RemoteStoragePathSource> source);

  // Constant after construction.
  const StreamingOptions streaming_;

  // Of the thread that updates.
  VersionPolicyAdapter::Policies policies_;

  // Synchronise themselves; the source dies first.
  VersionPolicyAdapter policy_;
  std::unique_ptr<RemoteStoragePathSource> source_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_PLUGIN_REMOTE_MODELS_H_

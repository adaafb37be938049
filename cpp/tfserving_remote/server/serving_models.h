// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_SERVING_MODELS_H_
#define TFSERVING_REMOTE_SERVER_SERVING_MODELS_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/core/servable_state_monitor.h"
#include "tensorflow_serving/util/event_bus.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/inference/model_resolver.h"
#include "tfserving_remote/inference/prepared_models.h"
#include "tfserving_remote/policy/version_policy_adapter.h"
#include "tfserving_remote/server/server_options.h"
#include "tfserving_remote/server/version_state_log.h"
#include "tfserving_remote/source/remote_storage_path_source.h"
#include "tfserving_remote/store/store_opener.h"
#include "tfserving_remote/stream/load_ledger.h"
#include "tfserving_remote/stream/streaming_saved_model_adapter.h"

namespace tfserving_remote {

/// The way of a model version, put together: source → policy → streaming loader → manager.
///
/// Loads: a version that fails shows its reason at once and is offered again by the source, with
/// growing pauses, for as long as it is listed. The manager itself repeats a load only after
/// UNAVAILABLE and only --max_num_load_retries times, since that keeps a load thread waiting. By
/// default there is a load thread for each model, so that no model waits for another's store.
///
/// Units:    absl::Time.
/// Errors:   Create: INVALID_ARGUMENT for options that do not fit together.
/// Threads:  accessors are safe to call from any thread.
/// Lifetime: handles are given back before it is destroyed. The destructor stops polls and waits
///           for loads in progress, which it cancels.
class ServingModels {
 public:
  /// Hears every event of the manager, on the thread that caused it; must not block.
  using Observer = std::function<void(const tensorflow::serving::ServableState& state)>;

  static absl::StatusOr<std::unique_ptr<ServingModels>> Create(
      const ServerOptions& options, const tensorflow::serving::ModelServerConfig& config,
      Clock& clock, LogSink& log, Observer observer);
  ~ServingModels();

  /// Begins to look for versions. Once.
  void Start();

  const ModelResolver& resolver() const { return *resolver_; }
  PreparedModels& prepared() { return prepared_; }
  const tensorflow::serving::ServableStateMonitor& monitor() const { return *monitor_; }

  /// What the source knows about a model without versions; empty for a model that is not
  /// configured.
  std::string WhyNoVersion(const std::string& model) const;

 private:
  ServingModels(LogSink& log, Observer observer);

  absl::Status CreateManager(const ServerOptions& options, int models);
  absl::Status CreateStreaming(const ServerOptions& options, Clock& clock, LogSink& log);
  absl::Status CreateSource(const ServerOptions& options,
                            const tensorflow::serving::ModelServerConfig& config, Clock& clock,
                            LogSink& log);
  void HandleEvent(const tensorflow::serving::ServableState& state, absl::Time at);

  const Observer observer_;
  VersionStateLog state_log_;
  PreparedModels prepared_;
  // Shared with loaders.
  const std::shared_ptr<LoadLedger> ledger_ = std::make_shared<LoadLedger>();
  std::shared_ptr<StoreOpener> stores_;

  // In the order of the way back: the last one dies first.
  std::shared_ptr<tensorflow::serving::EventBus<tensorflow::serving::ServableState>> bus_;
  std::unique_ptr<tensorflow::serving::ServableStateMonitor> monitor_;
  std::unique_ptr<tensorflow::serving::AspiredVersionsManager> manager_;
  std::unique_ptr<ModelResolver> resolver_;
  std::unique_ptr<tensorflow::serving::EventBus<tensorflow::serving::ServableState>::Subscription>
      subscription_;
  std::unique_ptr<StreamingSavedModelAdapter> streaming_;
  std::unique_ptr<VersionPolicyAdapter> policy_;
  std::unique_ptr<RemoteStoragePathSource> source_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_SERVING_MODELS_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_SERVING_MODELS_H_
#define TFSERVING_REMOTE_SERVER_SERVING_MODELS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/config/platform_config.pb.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/model_servers/server_core.h"
#include "tensorflow_serving/util/event_bus.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/inference/prepared_models.h"
#include "tfserving_remote/server/custom_server.h"
#include "tfserving_remote/server/remote_model_source.h"
#include "tfserving_remote/server/server_options.h"
#include "tfserving_remote/server/version_state_log.h"
#include "tfserving_remote/stream/streaming_adapter.h"

namespace tfserving_remote {

/// A ServerCore whose models come out of stores: source, policy and streaming adapters are the
/// plugin's, platforms are those of this server, of its extensions and of --platform_config_file.
///
/// Loads: a version that fails shows its reason at once and is offered again by the source, with
/// growing pauses, for as long as it is listed. The manager itself repeats a load only after
/// UNAVAILABLE and only --max_num_load_retries times, since that keeps a load thread waiting.
///
/// Units:    absl::Time.
/// Errors:   Create: INVALID_ARGUMENT for options that do not fit together.
/// Threads:  safe to call from any thread.
/// Lifetime: handles are given back before it is destroyed. The destructor stops polls and waits
///           for loads in progress, which it cancels.
class ServingModels {
 public:
  /// Hears every event of the manager, on the thread that caused it; must not block.
  using Observer = std::function<void(const tensorflow::serving::ServableState& state)>;

  /// Without models: ServerCore::ApplyConfig brings them. `num_models` is how many there will be
  /// at first.
  static absl::StatusOr<std::unique_ptr<ServingModels>> Create(const ServerOptions& options,
                                                               const ServerExtensions& extensions,
                                                               int num_models, Clock& clock,
                                                               LogSink& log, Observer observer);
  ~ServingModels();

  tensorflow::serving::ServerCore& core() { return *core_; }
  PreparedModels& prepared() { return prepared_; }

  /// What the source knows about a model without versions; empty for a model that is not
  /// configured, or whose platform has a source of its own.
  std::string WhyNoVersion(const std::string& model) const { return remote_->WhyNoVersion(model); }

 private:
  using Bus = tensorflow::serving::EventBus<tensorflow::serving::ServableState>;

  ServingModels(const ServerOptions& options, const ServerExtensions& extensions, LogSink& log,
                Observer observer);

  absl::Status ReadPlatforms();
  absl::Status CreateCore(int num_models);
  absl::Status CreateMonitor(Bus* bus,
                             std::unique_ptr<tensorflow::serving::ServableStateMonitor>* monitor);
  absl::Status CreateSource(std::unique_ptr<tensorflow::serving::ModelSource>* source) const;
  absl::Status CreateAdapter(
      const std::string& platform, const google::protobuf::Any& config,
      std::unique_ptr<tensorflow::serving::StoragePathSourceAdapter>* adapter) const;
  absl::Status CreateSavedModelAdapter(
      std::unique_ptr<tensorflow::serving::StoragePathSourceAdapter>* adapter) const;
  const ModelPlatform* FindExtension(const std::string& platform) const;
  void HandleEvent(const tensorflow::serving::ServableState& state, absl::Time at);
  void RememberRefusal(const tensorflow::serving::ServableState& state, absl::Time at);

  // Constant after Create.
  const ServerOptions options_;
  const ServerExtensions extensions_;
  const Observer observer_;
  tensorflow::serving::PlatformConfigMap platforms_;
  StreamingOptions streaming_;

  // Synchronise themselves.
  VersionStateLog state_log_;
  PreparedModels prepared_;
  const std::shared_ptr<RemoteModelsInUse> remote_ = std::make_shared<RemoteModelsInUse>();

  // In the order of the way back: the last one dies first.
  std::unique_ptr<tensorflow::serving::ServerCore> core_;
  std::unique_ptr<Bus::Subscription> subscription_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_SERVING_MODELS_H_

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/plugin/remote_model_config.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/resource_preserving_policy.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tensorflow_serving/core/target.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/stderr_log.h"
#include "tfserving_remote/plugin/remote_model_config.pb.h"
#include "tfserving_remote/plugin/remote_models.h"
#include "tfserving_remote/plugin/streaming_from_environment.h"
#include "tfserving_remote/plugin/verification.h"
#include "tfserving_remote/stream/streaming_saved_model_adapter.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using Bus = tfs::EventBus<tfs::ServableState>;
using ManagerWithDeps = tfs::UniquePtrWithDeps<tfs::AspiredVersionsManager>;

constexpr char kTensorFlowPlatform[] = "tensorflow";
constexpr int kMinLoadThreads = 2;
constexpr int kMaxLoadThreads = 64;
constexpr int kDefaultUnloadThreads = 2;
constexpr int kLoadRetriesWhenPolledOnce = 5;
constexpr int64_t kMinBytesInFlight = 1 << 20;

absl::Status CheckModel(const tfs::ModelConfig& model) {
  if (model.model_platform() != kTensorFlowPlatform) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Model ", model.name(), " requests unsupported platform \"", model.model_platform(), "\""));
  }
  if (!model.version_labels().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("Model ", model.name(),
                     " has version_labels, which a custom_model_config cannot make known"));
  }
  return absl::OkStatus();
}

absl::StatusOr<RemoteModelsConfig> Parse(const google::protobuf::Any& any) {
  RemoteModelsConfig config;
  if (!any.UnpackTo(&config)) {
    return absl::InvalidArgumentError(absl::StrCat("custom_model_config holds ", any.type_url(),
                                                   ", and not a whole ",
                                                   config.GetDescriptor()->full_name()));
  }
  for (const tfs::ModelConfig& model : config.model_config_list().config()) {
    if (absl::Status status = CheckModel(model); !status.ok()) return status;
  }
  if (config.poll_wait_seconds() < 0 || config.connections() < 0 || config.num_load_threads() < 0 ||
      config.num_unload_threads() < 0) {
    return absl::InvalidArgumentError(
        "poll_wait_seconds, connections, num_load_threads and num_unload_threads are 0 or more");
  }
  if (config.max_bytes_in_flight() != 0 && config.max_bytes_in_flight() < kMinBytesInFlight) {
    return absl::InvalidArgumentError("max_bytes_in_flight is 0 or at least 1048576");
  }
  return config;
}

ManifestMode ToManifestMode(RemoteModelsConfig::Manifest manifest) {
  switch (manifest) {
    case RemoteModelsConfig::REQUIRED:
      return ManifestMode::kRequired;
    case RemoteModelsConfig::IGNORED:
      return ManifestMode::kIgnored;
    default:
      return ManifestMode::kPreferred;
  }
}

absl::StatusOr<StreamingOptions> CreateStreaming(const RemoteModelsConfig& config, LogSink& log) {
  TransferPoolOptions transfers;
  if (config.connections() > 0) transfers.connections = config.connections();
  if (config.max_bytes_in_flight() > 0) {
    transfers.max_bytes_in_flight = static_cast<uint64_t>(config.max_bytes_in_flight());
  }
  absl::StatusOr<StreamingOptions> streaming =
      StreamingFromEnvironment(transfers, ToManifestMode(config.manifest()), Clock::Real(), log);
  if (!streaming.ok()) return streaming;
  const VerificationOptions verification = {
      config.verify(), {config.trusted_key_files().begin(), config.trusted_key_files().end()}};
  absl::Status applied = ApplyVerification(verification, streaming->reader);
  if (!applied.ok()) return applied;
  return streaming;
}

absl::StatusOr<std::unique_ptr<StreamingSavedModelAdapter>> CreateAdapter(
    const RemoteModelsConfig& config, const StreamingOptions& streaming) {
  StreamingSavedModelAdapterOptions options;
  static_cast<StreamingOptions&>(options) = streaming;
  options.session.config.set_intra_op_parallelism_threads(config.intra_op_parallelism_threads());
  options.session.config.set_inter_op_parallelism_threads(config.inter_op_parallelism_threads());
  if (!config.saved_model_tags().empty()) {
    options.tags = {config.saved_model_tags().begin(), config.saved_model_tags().end()};
  }
  return StreamingSavedModelAdapter::Create(std::move(options));
}

absl::StatusOr<std::unique_ptr<RemoteModels>> CreateModels(const RemoteModelsConfig& config,
                                                           const StreamingOptions& streaming) {
  RemoteModels::Options options;
  if (config.has_poll_wait_seconds()) {
    options.poll.wait = absl::Seconds(config.poll_wait_seconds());
  }
  absl::StatusOr<std::unique_ptr<RemoteModels>> models =
      RemoteModels::Create(std::move(options), streaming);
  if (!models.ok()) return models;
  if (absl::Status status = (*models)->UpdateModels(config.model_config_list()); !status.ok()) {
    return status;
  }
  return models;
}

absl::StatusOr<std::unique_ptr<tfs::AspiredVersionsManager>> CreateManager(
    const RemoteModelsConfig& config, Bus* event_bus) {
  tfs::AspiredVersionsManager::Options options;
  options.servable_event_bus = event_bus;
  if (config.transition() == RemoteModelsConfig::RESOURCE_PRESERVING) {
    options.aspired_version_policy = std::make_unique<tfs::ResourcePreservingPolicy>();
  } else {
    options.aspired_version_policy = std::make_unique<tfs::AvailabilityPreservingPolicy>();
  }
  const int models = config.model_config_list().config_size();
  options.num_load_threads = config.num_load_threads() > 0
                                 ? config.num_load_threads()
                                 : std::clamp(models, kMinLoadThreads, kMaxLoadThreads);
  options.num_unload_threads =
      config.num_unload_threads() > 0 ? config.num_unload_threads() : kDefaultUnloadThreads;
  // The source offers a failed version again, with growing pauses, and no thread waits for that;
  // but a source that looks only once offers only once.
  const bool looks_once = config.has_poll_wait_seconds() && config.poll_wait_seconds() == 0;
  options.max_num_load_retries = looks_once ? kLoadRetriesWhenPolledOnce : 0;
  options.should_retry_model_load = [](absl::Status status) { return absl::IsUnavailable(status); };
  options.enable_reload_servables_with_error = true;
  std::unique_ptr<tfs::AspiredVersionsManager> manager;
  absl::Status status = tfs::AspiredVersionsManager::Create(std::move(options), &manager);
  if (!status.ok()) return status;
  return manager;
}

absl::Status Load(const google::protobuf::Any& any, Bus* event_bus, LogSink& log,
                  ManagerWithDeps* result) {
  const absl::StatusOr<RemoteModelsConfig> config = Parse(any);
  if (!config.ok()) return config.status();
  const absl::StatusOr<StreamingOptions> streaming = CreateStreaming(*config, log);
  if (!streaming.ok()) return streaming.status();
  auto manager = CreateManager(*config, event_bus);
  if (!manager.ok()) return manager.status();
  auto adapter = CreateAdapter(*config, *streaming);
  if (!adapter.ok()) return adapter.status();
  auto models = CreateModels(*config, *streaming);
  if (!models.ok()) return models.status();

  // Owned in the order of the way back: what is added last dies first.
  result->SetOwned(*std::move(manager));
  StreamingSavedModelAdapter* const to_loaders = result->AddDependency(*std::move(adapter));
  RemoteModels* const source = result->AddDependency(*std::move(models));
  // From the sink upward, so that nothing is sent into the void.
  tfs::ConnectSourceToTarget<std::unique_ptr<tfs::Loader>>(to_loaders, result->get());
  tfs::ConnectSourceToTarget<tfs::StoragePath>(source, to_loaders);
  return absl::OkStatus();
}

}  // namespace

RemoteModelConfigLoader CreateRemoteModelConfigLoader(LogSink& log) {
  return [&log](const google::protobuf::Any& config, Bus* event_bus, ManagerWithDeps* manager) {
    return Load(config, event_bus, log, manager);
  };
}

RemoteModelConfigLoader CreateRemoteModelConfigLoader() {
  // Never destroyed, since managers may outlive main.
  static StderrLog* const log = new StderrLog(Clock::Real());
  return CreateRemoteModelConfigLoader(*log);
}

}  // namespace tfserving_remote

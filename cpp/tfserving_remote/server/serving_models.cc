// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/serving_models.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/model_servers/model_platform_types.h"
#include "tfserving_remote/plugin/streaming_from_environment.h"
#include "tfserving_remote/plugin/verification.h"
#include "tfserving_remote/server/model_config.h"
#include "tfserving_remote/server/platform_sources.h"
#include "tfserving_remote/stream/disk_cache.h"
#include "tfserving_remote/stream/streaming_saved_model_adapter.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using tfs::ServableState;

// A thread waits for a store most of its time. A reload that brings more models finds at least the
// smaller number; threads could be added, but not without waiting for the loads in progress.
constexpr int kMinLoadThreads = 8;
constexpr int kMaxLoadThreads = 64;
constexpr int kLoadRetriesWhenPolledOnce = 5;

ManifestMode ToManifestMode(const std::string& text) {
  if (text == "required") return ManifestMode::kRequired;
  return text == "ignored" ? ManifestMode::kIgnored : ManifestMode::kPreferred;
}

absl::Status SetVerification(const ServerOptions& options, VersionReaderOptions& reader) {
  VerificationOptions verification;
  verification.digest = options.remote_verify;
  // An empty name among others is an error, not a file less.
  if (!options.remote_trusted_keys.empty()) {
    verification.trusted_key_files = absl::StrSplit(options.remote_trusted_keys, ',');
  }
  const absl::Status status = ApplyVerification(verification, reader);
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat("--remote_trusted_keys, --remote_verify: ", status.message()));
}

absl::Status SetCache(const ServerOptions& options, StreamingOptions& streaming) {
  if (options.remote_cache_dir.empty()) return absl::OkStatus();
  absl::StatusOr<std::shared_ptr<DiskCache>> cache = DiskCache::Create(
      {options.remote_cache_dir, static_cast<uint64_t>(options.remote_cache_max_bytes)},
      *streaming.clock, *streaming.log);
  if (!cache.ok()) {
    return absl::Status(cache.status().code(),
                        absl::StrCat("--remote_cache_dir: ", cache.status().message()));
  }
  streaming.reader.cache = *std::move(cache);
  return absl::OkStatus();
}

// Upstream's rule: once either of the two is set, both come from them.
tensorflow::SessionOptions ToSessionOptions(const ServerOptions& options) {
  int64_t intra = options.tensorflow_session_parallelism;
  int64_t inter = options.tensorflow_session_parallelism;
  if (options.tensorflow_intra_op_parallelism > 0 || options.tensorflow_inter_op_parallelism > 0) {
    intra = options.tensorflow_intra_op_parallelism;
    inter = options.tensorflow_inter_op_parallelism;
  }
  tensorflow::SessionOptions session;
  session.config.set_intra_op_parallelism_threads(static_cast<int32_t>(intra));
  session.config.set_inter_op_parallelism_threads(static_cast<int32_t>(inter));
  return session;
}

int32_t LoadThreads(const ServerOptions& options, int num_models) {
  if (options.num_load_threads >= 0) return options.num_load_threads;
  return std::clamp(num_models, kMinLoadThreads, kMaxLoadThreads);
}

int32_t LoadRetries(const ServerOptions& options) {
  if (options.max_num_load_retries >= 0) return options.max_num_load_retries;
  return options.file_system_poll_wait_seconds == 0 ? kLoadRetriesWhenPolledOnce : 0;
}

absl::Status SetPolicy(const ServerExtensions& extensions, tfs::ServerCore::Options& core) {
  if (!extensions.aspired_version_policy) {
    core.aspired_version_policy = std::make_unique<tfs::AvailabilityPreservingPolicy>();
    return absl::OkStatus();
  }
  core.aspired_version_policy = extensions.aspired_version_policy();
  if (core.aspired_version_policy != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError("aspired_version_policy has made no policy");
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServingModels>> ServingModels::Create(
    const ServerOptions& options, const ServerExtensions& extensions, int num_models, Clock& clock,
    LogSink& log, Observer observer) {
  std::unique_ptr<ServingModels> models(
      new ServingModels(options, extensions, log, std::move(observer)));
  if (absl::Status status = models->ReadPlatforms(); !status.ok()) return status;
  TransferPoolOptions transfers;
  transfers.connections = options.remote_connections;
  transfers.max_bytes_in_flight = static_cast<uint64_t>(options.remote_max_bytes_in_flight);
  absl::StatusOr<StreamingOptions> streaming =
      StreamingFromEnvironment(transfers, ToManifestMode(options.remote_manifest), clock, log);
  if (!streaming.ok()) return streaming.status();
  if (absl::Status status = SetVerification(options, streaming->reader); !status.ok()) {
    return status;
  }
  if (absl::Status status = SetCache(options, *streaming); !status.ok()) return status;
  models->streaming_ = *std::move(streaming);
  if (absl::Status status = models->CreateCore(num_models); !status.ok()) return status;
  return models;
}

ServingModels::ServingModels(const ServerOptions& options, const ServerExtensions& extensions,
                             LogSink& log, Observer observer)
    : options_(options), extensions_(extensions), observer_(std::move(observer)), state_log_(log) {}

ServingModels::~ServingModels() = default;

absl::Status ServingModels::ReadPlatforms() {
  if (!options_.platform_config_file.empty()) {
    absl::Status status = ReadTextProto(options_.platform_config_file, &platforms_);
    if (!status.ok()) return status;
  }
  for (const ModelPlatform& platform : extensions_.platforms) {
    if (platform.name.empty() || !platform.create_adapter) {
      return absl::InvalidArgumentError(
          absl::StrCat("Platform \"", platform.name, "\" has no name or no create_adapter"));
    }
    if (!platforms_.mutable_platform_configs()->insert({platform.name, {}}).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("Platform ", platform.name, " is there twice"));
    }
  }
  (*platforms_.mutable_platform_configs())[tfs::kTensorFlowModelPlatform];
  return absl::OkStatus();
}

absl::Status ServingModels::CreateCore(int num_models) {
  tfs::ServerCore::Options core;
  if (absl::Status status = SetPolicy(extensions_, core); !status.ok()) return status;
  core.num_load_threads = LoadThreads(options_, num_models);
  core.num_unload_threads = options_.num_unload_threads;
  core.max_num_load_retries = LoadRetries(options_);
  core.load_retry_interval_micros = options_.load_retry_interval_micros;
  core.should_retry_model_load = [](absl::Status status) { return absl::IsUnavailable(status); };
  core.enable_reload_servables_with_error = true;
  core.allow_version_labels_for_unavailable_models =
      options_.allow_version_labels_for_unavailable_models;
  if (options_.total_model_memory_limit_bytes > 0) {
    core.total_model_memory_limit_bytes =
        static_cast<uint64_t>(options_.total_model_memory_limit_bytes);
  }
  core.platform_config_map = platforms_;
  core.servable_state_monitor_creator =
      [this](Bus* bus, std::unique_ptr<tfs::ServableStateMonitor>* monitor) {
        return CreateMonitor(bus, monitor);
      };
  core.model_source_creator = [this](std::unique_ptr<tfs::ModelSource>* source) {
    return CreateSource(source);
  };
  core.source_adapter_creator = [this](const std::string& platform,
                                       const google::protobuf::Any& config,
                                       std::unique_ptr<tfs::StoragePathSourceAdapter>* adapter) {
    return CreateAdapter(platform, config, adapter);
  };
  return tfs::ServerCore::Create(std::move(core), &core_);
}

absl::Status ServingModels::CreateMonitor(Bus* bus,
                                          std::unique_ptr<tfs::ServableStateMonitor>* monitor) {
  // The monitor first: whoever hears of a state finds it there.
  *monitor = std::make_unique<tfs::ServableStateMonitor>(bus);
  subscription_ = bus->Subscribe([this](const Bus::EventAndTime& event) {
    HandleEvent(event.event, absl::FromUnixMicros(static_cast<int64_t>(event.event_time_micros)));
  });
  return absl::OkStatus();
}

absl::Status ServingModels::CreateSource(std::unique_ptr<tfs::ModelSource>* source) const {
  RemoteModels::Options options;
  options.poll.wait = absl::Seconds(options_.file_system_poll_wait_seconds);
  absl::StatusOr<std::unique_ptr<RemoteModels>> models =
      RemoteModels::Create(std::move(options), streaming_);
  if (!models.ok()) return models.status();
  auto remote = std::make_unique<RemoteModelSource>(*std::move(models), remote_);
  std::map<std::string, PlatformSources::CreateSource> own;
  for (const ModelPlatform& platform : extensions_.platforms) {
    if (platform.create_source) own[platform.name] = platform.create_source;
  }
  *source = std::make_unique<PlatformSources>(std::move(remote), std::move(own));
  return absl::OkStatus();
}

absl::Status ServingModels::CreateAdapter(
    const std::string& platform, const google::protobuf::Any& config,
    std::unique_ptr<tfs::StoragePathSourceAdapter>* adapter) const {
  std::unique_ptr<tfs::StoragePathSourceAdapter> inner;
  const ModelPlatform* const extension = FindExtension(platform);
  if (extension != nullptr) {
    absl::StatusOr<std::unique_ptr<tfs::StoragePathSourceAdapter>> made =
        extension->create_adapter();
    if (!made.ok()) return made.status();
    inner = *std::move(made);
    if (inner == nullptr) return absl::InternalError("create_adapter has made no adapter");
  } else if (!config.type_url().empty()) {
    absl::Status status = tfs::StoragePathSourceAdapterRegistry::CreateFromAny(config, &inner);
    if (!status.ok()) return status;
  } else if (platform == tfs::kTensorFlowModelPlatform) {
    return CreateSavedModelAdapter(adapter);
  } else {
    return absl::InvalidArgumentError("--platform_config_file gives it no source_adapter_config");
  }
  if (extension != nullptr && extension->create_source) {
    *adapter = std::move(inner);
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<StreamingPlatformAdapter>> streaming =
      StreamingPlatformAdapter::Create(streaming_, std::move(inner));
  if (!streaming.ok()) return streaming.status();
  *adapter = *std::move(streaming);
  return absl::OkStatus();
}

absl::Status ServingModels::CreateSavedModelAdapter(
    std::unique_ptr<tfs::StoragePathSourceAdapter>* adapter) const {
  StreamingSavedModelAdapterOptions options;
  static_cast<StreamingOptions&>(options) = streaming_;
  options.session = ToSessionOptions(options_);
  options.tags.clear();
  for (const absl::string_view tag :
       absl::StrSplit(options_.saved_model_tags, ',', absl::SkipEmpty())) {
    options.tags.emplace(tag);
  }
  absl::StatusOr<std::unique_ptr<StreamingSavedModelAdapter>> created =
      StreamingSavedModelAdapter::Create(std::move(options));
  if (!created.ok()) return created.status();
  *adapter = *std::move(created);
  return absl::OkStatus();
}

const ModelPlatform* ServingModels::FindExtension(const std::string& platform) const {
  for (const ModelPlatform& extension : extensions_.platforms) {
    if (extension.name == platform) return &extension;
  }
  return nullptr;
}

void ServingModels::HandleEvent(const ServableState& state, absl::Time at) {
  state_log_.Update(state, at);
  if (state.manager_state == ServableState::ManagerState::kEnd) {
    prepared_.Forget(state.id);
    RememberRefusal(state, at);
  }
  observer_(state);
}

void ServingModels::RememberRefusal(const ServableState& state, absl::Time at) {
  if (!absl::IsResourceExhausted(state.health)) return;
  // A version that was refused for want of memory has not come as far as its loader, which would
  // have told the ledger; and without the ledger the source would not offer it again.
  LoadLedger& ledger = *streaming_.ledger;
  if (ledger.LastFailure(state.id.name, state.id.version).has_value()) return;
  ledger.RecordFailure(state.id.name, state.id.version, state.health, /*fingerprint=*/"", at);
}

}  // namespace tfserving_remote

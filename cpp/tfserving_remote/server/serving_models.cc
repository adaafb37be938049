// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/serving_models.h"

#include <unistd.h>

#include <algorithm>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/target.h"
#include "tfserving_remote/base/environment.h"
#include "tfserving_remote/server/model_config.h"
#include "tfserving_remote/store/default_store_opener.h"
#include "tfserving_remote/stream/transfer_pool.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using tfs::ServableState;

constexpr int kMinLoadThreads = 2;
constexpr int kMaxLoadThreads = 64;
constexpr int kLoadRetriesWhenPolledOnce = 5;

ManifestMode ToManifestMode(const std::string& text) {
  if (text == "required") return ManifestMode::kRequired;
  return text == "ignored" ? ManifestMode::kIgnored : ManifestMode::kPreferred;
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

VersionPolicyAdapter::Policies ToPolicies(const tfs::ModelServerConfig& config) {
  VersionPolicyAdapter::Policies policies;
  for (const tfs::ModelConfig& model : config.model_config_list().config()) {
    policies[model.name()] = VersionPolicy::FromProto(model.model_version_policy());
  }
  return policies;
}

uint32_t LoadRetries(const ServerOptions& options) {
  if (options.max_num_load_retries >= 0) return options.max_num_load_retries;
  return options.file_system_poll_wait_seconds == 0 ? kLoadRetriesWhenPolledOnce : 0;
}

// An archive that unpacks to more than the machine's memory would end the server and all it serves.
uint64_t PhysicalMemoryBytes() {
  const int64_t pages = sysconf(_SC_PHYS_PAGES);
  const int64_t page_bytes = sysconf(_SC_PAGESIZE);
  return static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes);
}

double Random() {
  thread_local std::mt19937_64 generator{std::random_device()()};
  return std::uniform_real_distribution<double>()(generator);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServingModels>> ServingModels::Create(
    const ServerOptions& options, const tfs::ModelServerConfig& config, Clock& clock, LogSink& log,
    Observer observer) {
  std::unique_ptr<ServingModels> models(new ServingModels(log, std::move(observer)));
  absl::Status status = models->CreateManager(options, config.model_config_list().config_size());
  if (!status.ok()) return status;
  if (status = models->CreateStreaming(options, clock, log); !status.ok()) return status;
  if (status = models->CreateSource(options, config, clock, log); !status.ok()) return status;
  models->resolver_->SetLabels(LabelsOf(config));
  return models;
}

ServingModels::ServingModels(LogSink& log, Observer observer)
    : observer_(std::move(observer)), state_log_(log) {}

ServingModels::~ServingModels() = default;

absl::Status ServingModels::CreateManager(const ServerOptions& options, int models) {
  bus_ = tfs::EventBus<ServableState>::CreateEventBus();
  monitor_ = std::make_unique<tfs::ServableStateMonitor>(bus_.get());
  tfs::AspiredVersionsManager::Options manager;
  manager.servable_event_bus = bus_.get();
  manager.aspired_version_policy = std::make_unique<tfs::AvailabilityPreservingPolicy>();
  manager.num_load_threads = options.num_load_threads >= 0
                                 ? options.num_load_threads
                                 : std::clamp(models, kMinLoadThreads, kMaxLoadThreads);
  manager.num_unload_threads = options.num_unload_threads;
  manager.max_num_load_retries = LoadRetries(options);
  manager.load_retry_interval_micros = options.load_retry_interval_micros;
  manager.should_retry_model_load = [](absl::Status status) { return absl::IsUnavailable(status); };
  manager.enable_reload_servables_with_error = true;
  absl::Status status = tfs::AspiredVersionsManager::Create(std::move(manager), &manager_);
  if (!status.ok()) return status;
  resolver_ = std::make_unique<ModelResolver>(manager_.get());
  subscription_ = bus_->Subscribe([this](const tfs::EventBus<ServableState>::EventAndTime& event) {
    HandleEvent(event.event, absl::FromUnixMicros(static_cast<int64_t>(event.event_time_micros)));
  });
  return absl::OkStatus();
}

absl::Status ServingModels::CreateStreaming(const ServerOptions& options, Clock& clock,
                                            LogSink& log) {
  absl::StatusOr<StoreOptions> stores = StoreOptions::FromEnvironment(ProcessEnvironment());
  if (!stores.ok()) return stores.status();
  absl::StatusOr<std::shared_ptr<StoreOpener>> opener = CreateStoreOpener(*stores, clock, log);
  if (!opener.ok()) return opener.status();
  stores_ = *std::move(opener);

  TransferPoolOptions pool;
  pool.connections = options.remote_connections;
  pool.max_bytes_in_flight = static_cast<uint64_t>(options.remote_max_bytes_in_flight);
  StreamingSavedModelAdapterOptions streaming;
  streaming.stores = stores_;
  streaming.transfers = CreateTransferPool(pool);
  streaming.ledger = ledger_;
  streaming.reader.manifest_mode = ToManifestMode(options.remote_manifest);
  streaming.reader.max_unpacked_bytes = PhysicalMemoryBytes();
  streaming.session = ToSessionOptions(options);
  streaming.tags.clear();
  for (const absl::string_view tag :
       absl::StrSplit(options.saved_model_tags, ',', absl::SkipEmpty())) {
    streaming.tags.emplace(tag);
  }
  streaming.log = &log;
  streaming.clock = &clock;
  absl::StatusOr<std::unique_ptr<StreamingSavedModelAdapter>> adapter =
      StreamingSavedModelAdapter::Create(std::move(streaming));
  if (!adapter.ok()) return adapter.status();
  streaming_ = *std::move(adapter);
  return absl::OkStatus();
}

absl::Status ServingModels::CreateSource(const ServerOptions& options,
                                         const tfs::ModelServerConfig& config, Clock& clock,
                                         LogSink& log) {
  policy_ = std::make_unique<VersionPolicyAdapter>(ToPolicies(config), log);
  RemoteStoragePathSource::Options source;
  for (const tfs::ModelConfig& model : config.model_config_list().config()) {
    source.servables.push_back(
        {model.name(), model.base_path(), ToManifestMode(options.remote_manifest)});
  }
  source.poll.wait = absl::Seconds(options.file_system_poll_wait_seconds);
  absl::StatusOr<std::unique_ptr<RemoteStoragePathSource>> created =
      RemoteStoragePathSource::Create(std::move(source),
                                      {*stores_, clock, log, ledger_.get(), Random});
  if (!created.ok()) return created.status();
  source_ = *std::move(created);
  return absl::OkStatus();
}

void ServingModels::Start() {
  // From the sink upward, so that nothing is sent into the void.
  tfs::ConnectSourceToTarget<std::unique_ptr<tfs::Loader>>(streaming_.get(), manager_.get());
  tfs::ConnectSourceToTarget<tfs::StoragePath>(policy_.get(), streaming_.get());
  tfs::ConnectSourceToTarget<tfs::StoragePath>(source_.get(), policy_.get());
}

std::string ServingModels::WhyNoVersion(const std::string& model) const {
  for (const ServableSourceStatus& status : source_->Snapshot()) {
    if (status.name != model) continue;
    if (!status.last_error.ok()) return std::string(status.last_error.message());
    if (status.last_poll == absl::InfinitePast()) {
      return absl::StrCat(status.base_path, " is being listed for the first time");
    }
    return status.versions.empty()
               ? absl::StrCat("no complete version under ", status.base_path)
               : absl::StrCat("found under ", status.base_path, ", about to load; ask again");
  }
  return "";
}

void ServingModels::HandleEvent(const ServableState& state, absl::Time at) {
  state_log_.Update(state, at);
  if (state.manager_state == ServableState::ManagerState::kAvailable) {
    resolver_->VersionAvailable(state.id.name, state.id.version);
  } else if (state.manager_state == ServableState::ManagerState::kEnd) {
    prepared_.Forget(state.id);
  }
  observer_(state);
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/model_servers/server_core.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow_serving/model_servers/model_availability.h"
#include "tensorflow_serving/model_servers/model_list.h"
#include "tensorflow_serving/model_servers/model_topology.h"
#include "tensorflow_serving/model_servers/version_labels.h"
#include "tensorflow_serving/resources/resource_tracker.h"
#include "tensorflow_serving/resources/resource_util.h"
#include "tensorflow_serving/resources/resource_values.h"

namespace tensorflow {
namespace serving {
namespace {

using ManagerState = ServableState::ManagerState;

absl::Status CheckOptions(const ServerCore::Options& options) {
  for (const int32_t threads : {options.num_load_threads, options.num_initial_load_threads,
                                options.num_unload_threads, options.max_num_load_retries}) {
    if (threads >= 0) continue;
    return absl::InvalidArgumentError(
        "Options: numbers of threads and of retries must not be negative");
  }
  return internal::CheckRootDir(options.model_config_list_root_dir);
}

absl::Status CreateResourceTracker(uint64_t memory_limit_bytes,
                                   std::unique_ptr<ResourceTracker>* tracker) {
  ResourceUtil::Options devices;
  devices.devices = {{device_types::kMain, 1}};
  auto util = std::make_unique<ResourceUtil>(devices);
  ResourceAllocation total;
  util->SetQuantity(util->CreateBoundResource(device_types::kMain, resource_kinds::kRamBytes),
                    memory_limit_bytes, &total);
  return ResourceTracker::Create(total, std::move(util), tracker);
}

}  // namespace

absl::Status ServerCore::Create(Options options, std::unique_ptr<ServerCore>* core) {
  absl::Status status = CheckOptions(options);
  if (!status.ok()) return status;
  std::unique_ptr<ServerCore> created(new ServerCore(std::move(options)));
  if (status = created->Initialize(); !status.ok()) return status;
  *core = std::move(created);
  const ModelServerConfig& config = (*core)->options_.model_server_config;
  if (config.config_case() == ModelServerConfig::CONFIG_NOT_SET) return absl::OkStatus();
  return (*core)->ReloadConfig(config);
}

ServerCore::ServerCore(Options options)
    : options_(std::move(options)),
      servable_event_bus_(EventBus<ServableState>::CreateEventBus()),
      labels_(std::make_unique<internal::VersionLabels>(
          [this] { return ServerCore::ListAvailableServableIds(); })) {
  server_request_logger_ = std::move(options_.server_request_logger);
  if (server_request_logger_ != nullptr) return;
  const absl::Status status = ServerRequestLogger::Create(nullptr, &server_request_logger_);
  CHECK_OK(status);
}

ServerCore::~ServerCore() = default;

absl::Status ServerCore::Initialize() {
  labels_subscription_ =
      servable_event_bus_->Subscribe([this](const EventBus<ServableState>::EventAndTime& event) {
        const ServableState& state = event.event;
        if (state.manager_state == ManagerState::kAvailable) labels_->VersionAvailable(state.id);
      });
  if (options_.servable_state_monitor_creator) {
    const absl::Status status = options_.servable_state_monitor_creator(servable_event_bus_.get(),
                                                                        &servable_state_monitor_);
    if (!status.ok()) return status;
  } else {
    servable_state_monitor_ = std::make_unique<ServableStateMonitor>(servable_event_bus_.get());
  }
  if (servable_state_monitor_ == nullptr) {
    return absl::InternalError("servable_state_monitor_creator has made no monitor");
  }
  availability_ = std::make_unique<internal::ModelAvailability>(servable_event_bus_.get(),
                                                                servable_state_monitor_.get());
  return CreateManager();
}

absl::Status ServerCore::CreateManager() {
  AspiredVersionsManager::Options manager_options;
  // Without a limit nobody asks a store how large a model is.
  if (options_.total_model_memory_limit_bytes < std::numeric_limits<uint64_t>::max()) {
    const absl::Status status = CreateResourceTracker(options_.total_model_memory_limit_bytes,
                                                      &manager_options.resource_tracker);
    if (!status.ok()) return status;
  }
  manager_options.servable_event_bus = servable_event_bus_.get();
  manager_options.aspired_version_policy = std::move(options_.aspired_version_policy);
  manager_options.custom_sort_actions = options_.custom_sort_actions;
  manager_options.num_load_threads = static_cast<uint32_t>(options_.num_load_threads);
  manager_options.num_unload_threads = static_cast<uint32_t>(options_.num_unload_threads);
  manager_options.max_num_load_retries = static_cast<uint32_t>(options_.max_num_load_retries);
  manager_options.load_retry_interval_micros = options_.load_retry_interval_micros;
  manager_options.should_retry_model_load = options_.should_retry_model_load;
  manager_options.flush_filesystem_caches = options_.flush_filesystem_caches;
  manager_options.pre_load_hook = options_.pre_load_hook;
  manager_options.enable_reload_servables_with_error = options_.enable_reload_servables_with_error;
  manager_options.with_current_context = options_.with_current_context;
  std::unique_ptr<AspiredVersionsManager> manager;
  const absl::Status status = AspiredVersionsManager::Create(std::move(manager_options), &manager);
  if (!status.ok()) return status;
  manager_in_use_ = manager.get();
  absl::MutexLock lock(&reload_mu_);
  manager_.SetOwned(std::move(manager));
  return absl::OkStatus();
}

std::vector<ServableId> ServerCore::ListAvailableServableIds() const {
  if (manager() == nullptr) return {};
  return manager()->ListAvailableServableIds();
}

absl::Status ServerCore::GetUntypedServableHandle(
    const ServableRequest& request, std::unique_ptr<UntypedServableHandle>* untyped_handle) {
  if (manager() == nullptr) return absl::FailedPreconditionError("This ServerCore has no manager");
  return manager()->GetUntypedServableHandle(request, untyped_handle);
}

std::map<ServableId, std::unique_ptr<UntypedServableHandle>>
ServerCore::GetAvailableUntypedServableHandles() const {
  if (manager() == nullptr) return {};
  return manager()->GetAvailableUntypedServableHandles();
}

absl::Status ServerCore::GetServableHandle(const ModelSpec& model_spec,
                                           ServableHandle<Servable>* const handle) {
  return GetServableHandle<Servable>(model_spec, handle);
}

absl::Status ServerCore::ServableRequestFromModelSpec(const ModelSpec& model_spec,
                                                      ServableRequest* request) const {
  if (model_spec.name().empty()) {
    return absl::InvalidArgumentError("ModelSpec has no name specified.");
  }
  request->name = model_spec.name();
  if (model_spec.has_version()) {
    request->version = model_spec.version().value();
    return absl::OkStatus();
  }
  if (model_spec.version_label().empty()) return absl::OkStatus();
  if (!options_.allow_version_labels) {
    return absl::InvalidArgumentError(
        "ModelSpec has 'version_label' set, but it is not currently allowed by the server.");
  }
  const absl::StatusOr<int64_t> version =
      labels_->Find(model_spec.name(), model_spec.version_label());
  if (!version.ok()) return version.status();
  request->version = *version;
  return absl::OkStatus();
}

absl::Status ServerCore::ExplainNotFound(const absl::Status& status,
                                         const std::string& model) const {
  if (!absl::IsNotFound(status)) return status;
  std::vector<int64_t> versions;
  for (const ServableId& id : ListAvailableServableIds()) {
    if (id.name == model) versions.push_back(id.version);
  }
  std::sort(versions.begin(), versions.end());
  return absl::NotFoundError(absl::StrCat(
      status.message(), "; versions served: ",
      versions.empty() ? "none (GetModelStatus says why)" : absl::StrJoin(versions, ", ")));
}

ServableStateMonitor* ServerCore::servable_state_monitor() const {
  return servable_state_monitor_.get();
}

absl::Status ServerCore::Log(const google::protobuf::Message& request,
                             const google::protobuf::Message& response,
                             const LogMetadata& log_metadata) {
  return server_request_logger_->Log(request, response, log_metadata);
}

internal::PredictResponseTensorSerializationOption
ServerCore::predict_response_tensor_serialization_option() const {
  return options_.predict_response_tensor_serialization_option;
}

bool ServerCore::enable_cors_support() const { return options_.enable_cors_support; }

}  // namespace serving
}  // namespace tensorflow

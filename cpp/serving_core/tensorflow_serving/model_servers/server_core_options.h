// SPDX-License-Identifier: Apache-2.0
// What ServerCore::Options is; use that name.
#ifndef TENSORFLOW_SERVING_MODEL_SERVERS_SERVER_CORE_OPTIONS_H_
#define TENSORFLOW_SERVING_MODEL_SERVERS_SERVER_CORE_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "google/protobuf/any.pb.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/config/platform_config.pb.h"
#include "tensorflow_serving/core/aspired_version_policy.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/load_servables_fast.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/core/servable_state_monitor.h"
#include "tensorflow_serving/core/server_request_logger.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tensorflow_serving/model_servers/model_source.h"
#include "tensorflow_serving/servables/tensorflow/predict_response_tensor_serialization_option.h"
#include "tensorflow_serving/util/event_bus.h"
#include "tensorflow_serving/util/tensorflow_names.h"
#include "tensorflow_serving/util/unique_ptr_with_deps.h"

namespace tensorflow {
namespace serving {
namespace internal {

struct ServerCoreOptions {
  using PreLoadHook = AspiredVersionsManager::PreLoadHook;
  using ServableStateMonitorCreator = std::function<absl::Status(
      EventBus<ServableState>* event_bus, std::unique_ptr<ServableStateMonitor>* monitor)>;
  // Connects sources of its own to the manager that it is given, and leaves them with it.
  using CustomModelConfigLoader = std::function<absl::Status(
      const ::google::protobuf::Any& any, EventBus<ServableState>* event_bus,
      UniquePtrWithDeps<AspiredVersionsManager>* manager)>;
  // Gives the logger what it needs to log as the configuration says. Called again with the one
  // before, should applying the new one fail.
  using ServerRequestLoggerUpdater =
      std::function<absl::Status(const ModelServerConfig& config, ServerRequestLogger* logger)>;
  // Ours: see below.
  using ModelSourceCreator = std::function<absl::Status(std::unique_ptr<ModelSource>* source)>;
  using SourceAdapterCreator =
      std::function<absl::Status(const std::string& platform, const ::google::protobuf::Any& config,
                                 std::unique_ptr<StoragePathSourceAdapter>* adapter)>;

  // Nothing set: the core begins without models.
  ModelServerConfig model_server_config;
  // What relative base paths are relative to. Unset: all must be absolute paths or URIs.
  absl::optional<std::string> model_config_list_root_dir;
  // Required.
  std::unique_ptr<AspiredVersionPolicy> aspired_version_policy;
  AspiredVersionsManager::CustomSortActionsFn custom_sort_actions;
  int32_t num_load_threads = 0;
  // While ReloadConfig waits for the first models.
  int32_t num_initial_load_threads = static_cast<int32_t>(DefaultNumInitialLoadThreads());
  int32_t num_unload_threads = 0;
  // The maximum means that nobody asks how much memory models need.
  uint64_t total_model_memory_limit_bytes = std::numeric_limits<uint64_t>::max();
  int32_t max_num_load_retries = 5;
  int64_t load_retry_interval_micros = 60LL * 1000 * 1000;
  int32_t file_system_poll_wait_seconds = 30;
  bool flush_filesystem_caches = false;
  // Every platform that a model may ask for, with what its source adapter is made from.
  PlatformConfigMap platform_config_map;
  // Null: a plain ServableStateMonitor.
  ServableStateMonitorCreator servable_state_monitor_creator;
  // Needed for a configuration with custom_model_config.
  CustomModelConfigLoader custom_model_config_loader;
  // False: labels are refused in requests and configurations.
  bool allow_version_labels = true;
  // Deprecated: as servable_versions_always_present, at the start only.
  bool fail_if_no_model_versions_found = false;
  bool enable_reload_servables_with_error = false;
  // A model without versions is an error, and does not unload what it had before.
  bool servable_versions_always_present = false;
  // Null: one that cannot log. A configuration that wants to have requests logged is then refused.
  std::unique_ptr<ServerRequestLogger> server_request_logger;
  // Null: the logger is told the logging_config of each model.
  ServerRequestLoggerUpdater server_request_logger_updater;
  PreLoadHook pre_load_hook;
  // A label that is new may be given to a version that is neither available nor loading.
  bool allow_version_labels_for_unavailable_models = false;
  // Any label may.
  bool force_allow_any_version_labels_for_unavailable_models = false;
  PredictResponseTensorSerializationOption predict_response_tensor_serialization_option =
      PredictResponseTensorSerializationOption::kAsProtoField;
  // Stands in front of every path that is loaded, not of those that are polled.
  std::string storage_path_prefix;
  bool enable_cors_support = false;
  bool with_current_context = false;
  // How long ReloadConfig waits for models.
  absl::Duration servable_state_waiter_timeout = absl::InfiniteDuration();
  // Null: every load error is worth a retry.
  std::function<bool(absl::Status)> should_retry_model_load;

  // Ours: what watches the models. Null: FileSystemModelSource, polling every
  // file_system_poll_wait_seconds.
  ModelSourceCreator model_source_creator;
  // Ours: what makes the adapter of a platform. Null: StoragePathSourceAdapterRegistry.
  SourceAdapterCreator source_adapter_creator;
};

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_MODEL_SERVERS_SERVER_CORE_OPTIONS_H_

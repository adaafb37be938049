// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_MODEL_SERVERS_SERVER_CORE_H_
#define TENSORFLOW_SERVING_MODEL_SERVERS_SERVER_CORE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "google/protobuf/any.pb.h"
#include "tensorflow_serving/apis/model.pb.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/config/platform_config.pb.h"
#include "tensorflow_serving/core/aspired_version_policy.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/load_servables_fast.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_handle.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/core/servable_state_monitor.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tensorflow_serving/model_servers/model_source.h"
#include "tensorflow_serving/servables/servable.h"
#include "tensorflow_serving/servables/tensorflow/predict_response_tensor_serialization_option.h"
#include "tensorflow_serving/util/event_bus.h"
#include "tensorflow_serving/util/tensorflow_names.h"
#include "tensorflow_serving/util/unique_ptr_with_deps.h"

namespace tensorflow {
namespace serving {

namespace internal {
class ModelAvailability;
class ModelTopology;
class VersionLabels;
}  // namespace internal

// The part of a model server that knows models: from the configuration to the handles of versions
// that serve. Many platforms, many models, one manager; the configuration may change while it runs.
//
// Units:    as their names say.
// Errors:   a configuration that is refused, or a step of applying it that fails, changes nothing.
// Threads:  safe from any thread. Lookups wait for no reload, load or unload. Configurations are
//           applied one after the other; creators and hooks may not apply one themselves.
// Lifetime: outlives its handles and every call in progress. The destructor stops the sources,
//           cancels loads and waits for handles.
class ServerCore : public Manager {
 public:
  using PreLoadHook = AspiredVersionsManager::PreLoadHook;
  using ServableStateMonitorCreator = std::function<absl::Status(
      EventBus<ServableState>* event_bus, std::unique_ptr<ServableStateMonitor>* monitor)>;
  // Connects sources of its own to the manager that it is given, and leaves them with it.
  using CustomModelConfigLoader = std::function<absl::Status(
      const ::google::protobuf::Any& any, EventBus<ServableState>* event_bus,
      UniquePtrWithDeps<AspiredVersionsManager>* manager)>;
  // Ours: see Options.
  using ModelSourceCreator = std::function<absl::Status(std::unique_ptr<ModelSource>* source)>;
  using SourceAdapterCreator =
      std::function<absl::Status(const std::string& platform, const ::google::protobuf::Any& config,
                                 std::unique_ptr<StoragePathSourceAdapter>* adapter)>;

  struct Options {
    // Nothing set: the core begins without models.
    ModelServerConfig model_server_config;
    // What relative base paths are relative to. Unset: all must be absolute paths or URIs.
    absl::optional<std::string> model_config_list_root_dir;
    // Required.
    std::unique_ptr<AspiredVersionPolicy> aspired_version_policy;
    AspiredVersionsManager::CustomSortActionsFn custom_sort_actions;
    int32_t num_load_threads = 0;
    // While ReloadConfig waits for the first models.
    int32_t num_initial_load_threads =
        static_cast<int32_t>(internal::DefaultNumInitialLoadThreads());
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
    PreLoadHook pre_load_hook;
    // A label that is new may be given to a version that is neither available nor loading.
    bool allow_version_labels_for_unavailable_models = false;
    // Any label may.
    bool force_allow_any_version_labels_for_unavailable_models = false;
    internal::PredictResponseTensorSerializationOption
        predict_response_tensor_serialization_option =
            internal::PredictResponseTensorSerializationOption::kAsProtoField;
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

  // Applies the configuration and waits for its models. `core` is set before that, so that it can
  // be asked what became of them if this fails. kInvalidArgument for options that cannot be.
  static absl::Status Create(Options options, std::unique_ptr<ServerCore>* core);
  ~ServerCore() override;

  std::vector<ServableId> ListAvailableServableIds() const override;

  // ApplyConfig, then AwaitModels for servable_state_waiter_timeout. Other configurations may be
  // applied while it waits.
  virtual absl::Status ReloadConfig(const ModelServerConfig& config);

  // Ours: changes models, labels and loggers, and does not wait for anything to load. `new_models`
  // are those that were not configured before.
  //
  // kInvalidArgument for what cannot be; kFailedPrecondition for what cannot be from here: a list
  // of models follows only a list of models, and a label goes only to a version that is available
  // or about to be. The first configuration, and a label that stays as it was, are free to name
  // others. A label that moves to a version that is loading stays with the old one until then.
  virtual absl::Status ApplyConfig(const ModelServerConfig& config,
                                   std::vector<ServableRequest>* new_models);

  // Ours: returns when each of `models` has a version that is available. kUnknown "K model(s) did
  // not become available: ..." when all others have one and these have ended in errors;
  // kDeadlineExceeded with the names and states of those that are still missing.
  virtual absl::Status AwaitModels(const std::vector<ServableRequest>& models, absl::Time deadline);

  virtual ServableStateMonitor* servable_state_monitor() const;

  // Points `handle` to the version that `model_spec` asks for: the latest, a number or a label.
  // kInvalidArgument (no name, unknown label, not a T), kUnavailable (a label before there is a
  // configuration), kNotFound "Servable not found for request: ..." and which versions serve.
  template <typename T>
  absl::Status GetServableHandle(const ModelSpec& model_spec, ServableHandle<T>* const handle) {
    ServableRequest request;
    const absl::Status status = ServableRequestFromModelSpec(model_spec, &request);
    if (!status.ok()) return status;
    return ExplainNotFound(Manager::GetServableHandle(request, handle), model_spec.name());
  }
  virtual absl::Status GetServableHandle(const ModelSpec& model_spec,
                                         ServableHandle<Servable>* const handle);
  using Manager::GetServableHandle;

  internal::PredictResponseTensorSerializationOption predict_response_tensor_serialization_option()
      const;
  bool enable_cors_support() const;

 protected:
  // A core without a manager: for classes that replace what they use.
  explicit ServerCore(Options options);

 private:
  absl::Status GetUntypedServableHandle(
      const ServableRequest& request,
      std::unique_ptr<UntypedServableHandle>* untyped_handle) override;
  std::map<ServableId, std::unique_ptr<UntypedServableHandle>> GetAvailableUntypedServableHandles()
      const override;
  absl::Status ServableRequestFromModelSpec(const ModelSpec& model_spec,
                                            ServableRequest* request) const;
  absl::Status ExplainNotFound(const absl::Status& status, const std::string& model) const;

  absl::Status Initialize();
  absl::Status CreateManager();
  // With `fast`, the first list of models finds more load threads; says whether it did.
  absl::Status Apply(const ModelServerConfig& config, bool fast,
                     std::vector<ServableRequest>* new_models, bool* has_more_threads);
  absl::Status ApplyModelList(const ModelConfigList& list)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_mu_);
  absl::Status ApplyCustomConfig(const ::google::protobuf::Any& config)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_mu_);
  absl::Status CheckModels(const ModelConfigList& models) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_mu_);
  absl::Status UpdateTopology(const ModelConfigList& models)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_mu_);
  // Returns when the loads that were asked for before are done, or at the deadline.
  void RestoreNumLoadThreads(absl::Time deadline);
  // Null in a core that was not made by Create.
  AspiredVersionsManager* manager() const {
    return manager_in_use_.load(std::memory_order_acquire);
  }

  // Constant after Create, but for the policy, which the manager takes.
  Options options_;

  // The last one dies first, and each synchronises itself. Labels move before the monitor tells
  // that the version they waited for is available.
  const std::shared_ptr<EventBus<ServableState>> servable_event_bus_;
  const std::unique_ptr<internal::VersionLabels> labels_;
  std::unique_ptr<EventBus<ServableState>::Subscription> labels_subscription_;
  std::unique_ptr<ServableStateMonitor> servable_state_monitor_;
  std::unique_ptr<internal::ModelAvailability> availability_;
  std::atomic<AspiredVersionsManager*> manager_in_use_{nullptr};

  // Held while a configuration is applied, and never by what the manager or a source calls.
  absl::Mutex reload_mu_;
  ModelServerConfig config_ ABSL_GUARDED_BY(reload_mu_);
  // The list in `config_`, resolved.
  ModelConfigList models_ ABSL_GUARDED_BY(reload_mu_);
  // Takes load threads away when loads that took too long are done.
  std::unique_ptr<Thread> restore_thread_ ABSL_GUARDED_BY(reload_mu_);
  UniquePtrWithDeps<AspiredVersionsManager> manager_ ABSL_GUARDED_BY(reload_mu_);
  std::unique_ptr<internal::ModelTopology> topology_ ABSL_GUARDED_BY(reload_mu_);
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_MODEL_SERVERS_SERVER_CORE_H_

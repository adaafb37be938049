// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_MODEL_SERVERS_SERVER_CORE_H_
#define TENSORFLOW_SERVING_MODEL_SERVERS_SERVER_CORE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/message.h"
#include "tensorflow_serving/apis/logging.pb.h"
#include "tensorflow_serving/apis/model.pb.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_handle.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/core/servable_state_monitor.h"
#include "tensorflow_serving/core/server_request_logger.h"
#include "tensorflow_serving/core/stream_logger.h"
#include "tensorflow_serving/model_servers/server_core_options.h"
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
  // Each as in Options.
  using Options = internal::ServerCoreOptions;
  using PreLoadHook = Options::PreLoadHook;
  using ServableStateMonitorCreator = Options::ServableStateMonitorCreator;
  using CustomModelConfigLoader = Options::CustomModelConfigLoader;
  using ServerRequestLoggerUpdater = Options::ServerRequestLoggerUpdater;
  using ModelSourceCreator = Options::ModelSourceCreator;      // ours
  using SourceAdapterCreator = Options::SourceAdapterCreator;  // ours

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

  // Logs with the loggers of the model that `log_metadata` names, if there are any.
  virtual absl::Status Log(const google::protobuf::Message& request,
                           const google::protobuf::Message& response,
                           const LogMetadata& log_metadata);
  // Null if the stream shall not be logged.
  template <typename Request, typename Response>
  std::unique_ptr<StreamLogger<Request, Response>> StartLoggingStream(
      const LogMetadata& log_metadata,
      ServerRequestLogger::CreateStreamLoggerFn<Request, Response> create_stream_logger_fn) {
    return server_request_logger_->StartLoggingStream<Request, Response>(
        log_metadata, std::move(create_stream_logger_fn));
  }

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
  // Says what is wrong with the list before anything changes.
  absl::Status CheckModelList(const ModelConfigList& list, ModelConfigList* resolved) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_mu_);
  // The half of giving the loggers their part that may fail, and the one that may not.
  absl::Status PrepareLoggers(const ModelServerConfig& config,
                              ServerRequestLogger::UpdateRequest* update);
  void FinishLoggers(bool applied, ServerRequestLogger::UpdateRequest* update)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_mu_);
  absl::Status ApplyModels(ModelConfigList models) ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_mu_);
  absl::Status ApplyCustomConfig(const ::google::protobuf::Any& config)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_mu_);
  absl::Status UpdateTopology(const ModelConfigList& models)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_mu_);
  // Returns when the loads that were asked for before are done, or at the deadline.
  void RestoreNumLoadThreads(absl::Time deadline);
  // Null in a core that was not made by Create.
  AspiredVersionsManager* manager() const {
    return manager_in_use_.load(std::memory_order_acquire);
  }

  // Constant after Create, but for what others take: the policy and the logger.
  Options options_;
  std::unique_ptr<ServerRequestLogger> server_request_logger_;

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

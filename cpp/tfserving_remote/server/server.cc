// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/server.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "tfserving_remote/inference/predict.h"
#include "tfserving_remote/net/grpc_server.h"
#include "tfserving_remote/server/config_file_poller.h"
#include "tfserving_remote/server/grpc_services.h"
#include "tfserving_remote/server/health.h"
#include "tfserving_remote/server/health_service.h"
#include "tfserving_remote/server/model_config.h"
#include "tfserving_remote/server/reload_service.h"
#include "tfserving_remote/server/server_config.pb.h"
#include "tfserving_remote/server/serving_models.h"
#include "tfserving_remote/server/tensorflow_version.h"
#include "tfserving_remote/server/worker_pool.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using grpc::health::v1::HealthCheckResponse;

std::set<std::string> ModelNames(const tfs::ModelServerConfig& config) {
  std::set<std::string> names;
  for (const tfs::ModelConfig& model : config.model_config_list().config()) {
    names.insert(model.name());
  }
  return names;
}

std::set<std::string> Without(const std::set<std::string>& from,
                              const std::set<std::string>& what) {
  std::set<std::string> rest;
  std::set_difference(from.begin(), from.end(), what.begin(), what.end(),
                      std::inserter(rest, rest.end()));
  return rest;
}

absl::StatusOr<GrpcServerOptions> ListenerOptions(const ServerOptions& options) {
  GrpcServerOptions listener;
  // Of the flag, 0 means no TCP and -1 a free port; of the listener it is the other way round.
  listener.port = options.port > 0 ? options.port : -1 - options.port;
  listener.unix_socket_path = options.grpc_socket_path;
  listener.io_threads = std::clamp<int>(std::thread::hardware_concurrency() / 2, 1, 8);
  if (options.ssl_config_file.empty()) return listener;
  tfs::SSLConfig ssl;
  if (absl::Status status = ReadTextProto(options.ssl_config_file, &ssl); !status.ok()) {
    return status;
  }
  auto tls = std::make_shared<GrpcTlsOptions>();
  tls->server_key = ssl.server_key();
  tls->server_certificate = ssl.server_cert();
  tls->client_ca = ssl.custom_ca();
  tls->require_client_certificate = ssl.client_verify();
  listener.tls = std::move(tls);
  return listener;
}

PredictOptions ToPredictOptions(const ServerOptions& options) {
  PredictOptions predict;
  predict.check_method_name = options.enable_signature_method_name_check;
  if (options.enable_serialization_as_tensor_content) {
    predict.encoding = TensorEncoding::kTensorContent;
  }
  return predict;
}

class ModelServer final : public Server {
 public:
  ModelServer(const ServerOptions& options, Clock& clock, LogSink& log)
      : options_(options), clock_(clock), log_(log), health_service_(health_) {}
  ~ModelServer() override;

  absl::Status Start(const ServerExtensions& extensions, const tfs::ModelServerConfig& config);
  int port() const override { return grpc_->port(); }
  bool Drain() override;

 private:
  absl::Status CreateModels(const ServerExtensions& extensions, int num_models);
  void RegisterServices(const ServerExtensions& extensions);
  void StartFilePoller(const tfs::ModelServerConfig& applied);
  absl::Status Apply(const tfs::ModelServerConfig& config, ReloadService::Models* new_models);
  void HandleState(const tfs::ServableState& state);
  void HealthMayHaveChanged();
  void LogListeners() const;

  // Constant after construction.
  const ServerOptions options_;
  Clock& clock_;
  LogSink& log_;

  // Synchronise themselves.
  std::atomic<bool> was_ready_{false};
  Health health_;
  HealthService health_service_;

  // Held while a configuration is applied, so that health knows the models of the newest.
  absl::Mutex apply_mu_;
  std::set<std::string> names_ ABSL_GUARDED_BY(apply_mu_);

  // Constant after Start. The last one dies first; the models tell those before them of every
  // state.
  std::unique_ptr<ReloadService> reloads_;
  std::unique_ptr<ServingModels> models_;
  std::unique_ptr<Predictor> predictor_;
  std::unique_ptr<GrpcServer> grpc_;
  std::unique_ptr<WorkerPool> workers_;
  std::unique_ptr<ConfigFilePoller> file_poller_;
};

ModelServer::~ModelServer() {
  file_poller_.reset();
  health_service_.EndWatches();
  if (reloads_ != nullptr) reloads_->EndCalls();
  if (grpc_ != nullptr) grpc_->Drain(clock_.Now());
  // No call comes any more. Those that still compute end on the transport, so it goes after them.
  workers_.reset();
  grpc_.reset();
  if (reloads_ != nullptr) reloads_->Stop();
}

absl::Status ModelServer::Start(const ServerExtensions& extensions,
                                const tfs::ModelServerConfig& config) {
  absl::StatusOr<GrpcServerOptions> listener = ListenerOptions(options_);
  if (!listener.ok()) return listener.status();
  absl::Status status = CreateModels(extensions, config.model_config_list().config_size());
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<GrpcServer>> grpc = GrpcServer::Create(*std::move(listener));
  if (!grpc.ok()) return grpc.status();
  grpc_ = *std::move(grpc);
  RegisterServices(extensions);
  // What cannot be served is known before a port opens; nothing is waited for.
  ReloadService::Models new_models;
  if (status = Apply(config, &new_models); !status.ok()) return status;
  if (status = grpc_->Start(); !status.ok()) return status;
  LogListeners();
  StartFilePoller(config);
  return absl::OkStatus();
}

absl::Status ModelServer::CreateModels(const ServerExtensions& extensions, int num_models) {
  absl::StatusOr<std::unique_ptr<ServingModels>> models =
      ServingModels::Create(options_, extensions, num_models, clock_, log_,
                            [this](const tfs::ServableState& state) { HandleState(state); });
  if (!models.ok()) return models.status();
  models_ = *std::move(models);
  predictor_ = std::make_unique<Predictor>(models_->core(), models_->prepared(), clock_,
                                           ToPredictOptions(options_));
  workers_ = std::make_unique<WorkerPool>(options_.grpc_max_threads);
  reloads_ = std::make_unique<ReloadService>(
      [this](const tfs::ModelServerConfig& config, ReloadService::Models* new_models) {
        return Apply(config, new_models);
      },
      [&core = models_->core()](const ReloadService::Models& awaited) {
        return core.AwaitModels(awaited, absl::InfinitePast());
      },
      clock_);
  return absl::OkStatus();
}

void ModelServer::RegisterServices(const ServerExtensions& extensions) {
  tfs::ServerCore& core = models_->core();
  RegisterGrpcServices({*predictor_, core, *core.servable_state_monitor(),
                        [this](const std::string& model) { return models_->WhyNoVersion(model); },
                        *workers_, clock_},
                       *grpc_);
  reloads_->Register(*grpc_);
  health_service_.Register(*grpc_);
  if (extensions.register_services) extensions.register_services(*grpc_, core);
}

void ModelServer::StartFilePoller(const tfs::ModelServerConfig& applied) {
  if (options_.model_config_file_poll_wait_seconds <= 0) return;
  ConfigFilePoller::Options poller;
  poller.path = options_.model_config_file;
  poller.wait = absl::Seconds(options_.model_config_file_poll_wait_seconds);
  poller.applied = applied;
  poller.apply = [this](const tfs::ModelServerConfig& config) {
    ReloadService::Models new_models;
    return Apply(config, &new_models);
  };
  file_poller_ = std::make_unique<ConfigFilePoller>(std::move(poller), clock_, log_);
}

absl::Status ModelServer::Apply(const tfs::ModelServerConfig& config,
                                ReloadService::Models* new_models) {
  const std::set<std::string> names = ModelNames(config);
  {
    absl::MutexLock lock(&apply_mu_);
    health_.SetLeaving(Without(names_, names));
    absl::Status status = models_->core().ApplyConfig(config, new_models);
    if (!status.ok()) {
      health_.SetLeaving({});
      return status;
    }
    health_.SetModels(names);
    names_ = names;
    was_ready_ = false;
  }
  log_.Log(Severity::kInfo, names.empty() ? "No models are configured"
                                          : absl::StrCat("Models: ", absl::StrJoin(names, ", ")));
  HealthMayHaveChanged();
  reloads_->ModelsChanged();
  return absl::OkStatus();
}

bool ModelServer::Drain() {
  log_.Log(Severity::kInfo, "Draining: no new requests are accepted, running ones may finish");
  health_.SetDraining();
  health_service_.EndWatches();
  reloads_->EndCalls();
  const bool clean = grpc_->Drain(clock_.Now() + absl::Seconds(options_.remote_drain_seconds));
  if (clean) {
    log_.Log(Severity::kInfo, "Drained");
  } else {
    log_.Log(Severity::kWarning,
             absl::StrCat("Cut off requests that still ran after ", options_.remote_drain_seconds,
                          " s; --remote_drain_seconds sets how long they may"));
  }
  return clean;
}

void ModelServer::HandleState(const tfs::ServableState& state) {
  health_.Update(state);
  HealthMayHaveChanged();
  reloads_->ModelsChanged();
}

void ModelServer::HealthMayHaveChanged() {
  health_service_.HealthChanged();
  if (health_.Of("") == HealthCheckResponse::SERVING && !was_ready_.exchange(true)) {
    log_.Log(Severity::kInfo, "Ready: every model has an available version");
  }
}

void ModelServer::LogListeners() const {
  if (grpc_->port() > 0) {
    log_.Log(Severity::kInfo,
             absl::StrCat("Running gRPC ModelServer at 0.0.0.0:", grpc_->port(), " ..."));
  }
  if (!options_.grpc_socket_path.empty()) {
    log_.Log(Severity::kInfo, absl::StrCat("Running gRPC ModelServer at UNIX socket ",
                                           options_.grpc_socket_path, " ..."));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      const ServerExtensions& extensions,
                                                      Clock& clock, LogSink& log) {
  if (absl::Status status = CheckTensorFlowVersion(); !status.ok()) return status;
  absl::StatusOr<tfs::ModelServerConfig> config = ReadModelConfig(options);
  if (!config.ok()) return config.status();
  auto server = std::make_unique<ModelServer>(options, clock, log);
  if (absl::Status status = server->Start(extensions, *config); !status.ok()) return status;
  return server;
}

}  // namespace tfserving_remote

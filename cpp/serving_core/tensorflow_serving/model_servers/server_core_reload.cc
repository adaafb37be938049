// SPDX-License-Identifier: Apache-2.0
// The half of ServerCore that applies configurations.
#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/log/log.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow_serving/model_servers/model_availability.h"
#include "tensorflow_serving/model_servers/model_list.h"
#include "tensorflow_serving/model_servers/model_topology.h"
#include "tensorflow_serving/model_servers/server_core.h"
#include "tensorflow_serving/model_servers/version_labels.h"

namespace tensorflow {
namespace serving {
namespace {

internal::UnavailableLabels AllowedLabels(const ServerCore::Options& options) {
  if (options.force_allow_any_version_labels_for_unavailable_models) {
    return internal::UnavailableLabels::kAny;
  }
  return options.allow_version_labels_for_unavailable_models
             ? internal::UnavailableLabels::kNewAndUnchanged
             : internal::UnavailableLabels::kUnchanged;
}

std::vector<ServableRequest> NewModels(const ModelConfigList& before,
                                       const ModelConfigList& after) {
  const std::set<std::string> known = internal::NamesOf(before);
  std::vector<ServableRequest> requests;
  for (const ModelConfig& model : after.config()) {
    if (known.count(model.name()) == 0) requests.push_back(ServableRequest::Latest(model.name()));
  }
  return requests;
}

ServerRequestLogger::LoggingConfigMap LoggingConfigsOf(const ModelConfigList& list) {
  ServerRequestLogger::LoggingConfigMap configs;
  for (const ModelConfig& model : list.config()) {
    if (model.has_logging_config()) configs[model.name()].push_back(model.logging_config());
  }
  return configs;
}

}  // namespace

absl::Status ServerCore::ReloadConfig(const ModelServerConfig& config) {
  std::vector<ServableRequest> new_models;
  bool has_more_threads = false;
  absl::Status status = Apply(config, /*fast=*/true, &new_models, &has_more_threads);
  const absl::Time deadline = absl::Now() + options_.servable_state_waiter_timeout;
  if (status.ok()) status = AwaitModels(new_models, deadline);
  if (has_more_threads) RestoreNumLoadThreads(deadline);
  if (status.ok() && options_.flush_filesystem_caches) {
    const absl::Status flushed = Env::Default()->FlushFileSystemCaches();
    if (!flushed.ok()) LOG(WARNING) << "Cannot flush file system caches: " << flushed;
  }
  return status;
}

absl::Status ServerCore::ApplyConfig(const ModelServerConfig& config,
                                     std::vector<ServableRequest>* new_models) {
  bool has_more_threads = false;
  return Apply(config, /*fast=*/false, new_models, &has_more_threads);
}

absl::Status ServerCore::AwaitModels(const std::vector<ServableRequest>& models,
                                     absl::Time deadline) {
  if (models.empty()) return absl::OkStatus();
  if (availability_ == nullptr) {
    return absl::FailedPreconditionError("This ServerCore has no manager");
  }
  return availability_->Await(models, deadline);
}

absl::Status ServerCore::Apply(const ModelServerConfig& config, bool fast,
                               std::vector<ServableRequest>* new_models, bool* has_more_threads) {
  new_models->clear();
  if (manager() == nullptr) return absl::FailedPreconditionError("This ServerCore has no manager");
  absl::MutexLock lock(&reload_mu_);
  absl::Status status = internal::CheckTransition(config_, config);
  if (!status.ok()) return status;
  if (config.config_case() == ModelServerConfig::CONFIG_NOT_SET) {
    LOG(INFO) << "Taking no action for empty config.";
    return absl::OkStatus();
  }
  if (config_.has_custom_model_config()) return absl::OkStatus();  // the same again
  const bool is_list = config.has_model_config_list();
  ModelConfigList models;
  if (is_list) status = CheckModelList(config.model_config_list(), &models);
  ServerRequestLogger::UpdateRequest loggers;
  if (status.ok()) status = PrepareLoggers(config, &loggers);
  if (!status.ok()) return status;
  if (fast && is_list && config_.config_case() == ModelServerConfig::CONFIG_NOT_SET) {
    *has_more_threads = true;
    internal::SetManagerNumLoadThreadsNotifier(manager())(static_cast<uint32_t>(
        std::max(options_.num_load_threads, options_.num_initial_load_threads)));
  }
  std::vector<ServableRequest> added = NewModels(models_, models);
  status =
      is_list ? ApplyModels(std::move(models)) : ApplyCustomConfig(config.custom_model_config());
  FinishLoggers(status.ok(), &loggers);
  if (!status.ok()) return status;
  new_models->swap(added);
  config_ = config;
  return absl::OkStatus();
}

absl::Status ServerCore::CheckModelList(const ModelConfigList& list,
                                        ModelConfigList* resolved) const {
  absl::Status status = internal::ResolveModelList(list, options_.platform_config_map,
                                                   options_.model_config_list_root_dir, resolved);
  if (!status.ok()) return status;
  for (const ModelConfig& model : resolved->config()) {
    if (model.version_labels().empty() || options_.allow_version_labels) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("Model ", model.name(),
                     " has version_labels, but they are not currently allowed by the server."));
  }
  if (config_.config_case() == ModelServerConfig::CONFIG_NOT_SET) return absl::OkStatus();
  if (status = internal::CheckPlatformsStay(models_, *resolved); !status.ok()) return status;
  return internal::CheckLabels(internal::LabelsOf(models_), internal::LabelsOf(*resolved),
                               AllowedLabels(options_), *servable_state_monitor_);
}

absl::Status ServerCore::PrepareLoggers(const ModelServerConfig& config,
                                        ServerRequestLogger::UpdateRequest* update) {
  if (options_.server_request_logger_updater) {
    return options_.server_request_logger_updater(config, server_request_logger_.get());
  }
  return server_request_logger_->CreateUpdateRequest(LoggingConfigsOf(config.model_config_list()),
                                                     update);
}

void ServerCore::FinishLoggers(bool applied, ServerRequestLogger::UpdateRequest* update) {
  if (!options_.server_request_logger_updater) {
    if (applied) server_request_logger_->ApplyUpdateRequest(*update);
    return;
  }
  if (applied) return;
  const absl::Status status =
      options_.server_request_logger_updater(config_, server_request_logger_.get());
  if (!status.ok()) LOG(ERROR) << "Cannot go back to the loggers of before: " << status;
}

absl::Status ServerCore::ApplyModels(ModelConfigList models) {
  // While both lists are in force; what new models are about to do must not be taken for their
  // past.
  std::set<std::string> meanwhile = internal::NamesOf(models_);
  const std::set<std::string> names = internal::NamesOf(models);
  meanwhile.insert(names.begin(), names.end());
  availability_->SetModels(meanwhile);
  // Before the versions they come from may go.
  internal::VersionLabels::Labels labels = labels_->Replace(internal::LabelsOf(models));
  const absl::Status status = UpdateTopology(models);
  availability_->SetModels(status.ok() ? names : internal::NamesOf(models_));
  if (status.ok()) {
    models_ = std::move(models);
  } else {
    labels_->Restore(std::move(labels));
  }
  return status;
}

absl::Status ServerCore::UpdateTopology(const ModelConfigList& models) {
  if (topology_ != nullptr) return topology_->Update(models);
  std::unique_ptr<internal::ModelTopology> topology;
  absl::Status status = internal::ModelTopology::Create(options_, &topology);
  if (status.ok()) status = topology->Update(models);
  if (!status.ok()) return status;
  topology->Connect(manager());
  topology_ = std::move(topology);
  return absl::OkStatus();
}

absl::Status ServerCore::ApplyCustomConfig(const ::google::protobuf::Any& config) {
  if (!options_.custom_model_config_loader) {
    return absl::InvalidArgumentError(
        "ModelServer does not yet support custom model config: "
        "ServerCore::Options has no custom_model_config_loader.");
  }
  const absl::Status status =
      options_.custom_model_config_loader(config, servable_event_bus_.get(), &manager_);
  // It may have put another manager in its place; the one before lives on.
  manager_in_use_ = manager_.get();
  if (status.ok()) labels_->Replace({});
  return status;
}

void ServerCore::RestoreNumLoadThreads(absl::Time deadline) {
  const auto done = std::make_shared<absl::Notification>();
  const auto restore = [done,
                        set_num_threads = internal::SetManagerNumLoadThreadsNotifier(manager()),
                        num_threads = static_cast<uint32_t>(options_.num_load_threads)] {
    set_num_threads(num_threads);  // waits for the loads that were asked for before
    done->Notify();
  };
  {
    absl::MutexLock lock(&reload_mu_);
    restore_thread_.reset(
        Env::Default()->StartThread(ThreadOptions(), "ServerCore_RestoreLoadThreads", restore));
  }
  done->WaitForNotificationWithDeadline(deadline);
}

}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/server_request_logger.h"

namespace tensorflow {
namespace serving {

absl::Status ServerRequestLogger::Create(
    LoggerCreator request_logger_creator,
    std::unique_ptr<ServerRequestLogger>* server_request_logger) {
  server_request_logger->reset(new ServerRequestLogger(std::move(request_logger_creator)));
  return absl::OkStatus();
}

ServerRequestLogger::ServerRequestLogger(LoggerCreator request_logger_creator)
    : request_logger_creator_(std::move(request_logger_creator)),
      loggers_by_model_(std::make_unique<LoggersByModel>()) {}

absl::Status ServerRequestLogger::Update(const LoggingConfigMap& logging_config_map) {
  UpdateRequest request;
  absl::Status status = CreateUpdateRequest(logging_config_map, &request);
  if (status.ok()) ApplyUpdateRequest(request);
  return status;
}

absl::Status ServerRequestLogger::CreateUpdateRequest(const LoggingConfigMap& logging_config_map,
                                                      UpdateRequest* request) {
  if (!logging_config_map.empty() && !request_logger_creator_) {
    return absl::InvalidArgumentError("No request-logger-creator provided.");
  }
  UpdateRequest created;
  for (const auto& [model, configs] : logging_config_map) {
    for (const LoggingConfig& config : configs) {
      std::shared_ptr<RequestLogger> logger;
      absl::Status status = FindOrCreateLogger(config, &created, &logger);
      if (!status.ok()) return status;
      created.loggers_by_model[model].push_back(std::move(logger));
    }
  }
  *request = std::move(created);
  return absl::OkStatus();
}

absl::Status ServerRequestLogger::FindOrCreateLogger(const LoggingConfig& config,
                                                     UpdateRequest* request,
                                                     std::shared_ptr<RequestLogger>* logger) const {
  const std::string key = config.SerializeAsString();
  std::shared_ptr<RequestLogger>& found = request->logger_by_config[key];
  if (found == nullptr) {
    absl::MutexLock lock(&mu_);
    const auto present = logger_by_config_.find(key);
    if (present != logger_by_config_.end()) found = present->second;
  }
  if (found == nullptr) {
    absl::Status status = request_logger_creator_(config, &found);
    if (!status.ok()) return status;
    if (found == nullptr) return absl::InternalError("The request logger creator made no logger");
  }
  *logger = found;
  return absl::OkStatus();
}

void ServerRequestLogger::ApplyUpdateRequest(UpdateRequest& request) {
  {
    absl::MutexLock lock(&mu_);
    logger_by_config_.swap(request.logger_by_config);
  }
  // What was there before dies here, or with the last request that it logs.
  loggers_by_model_.Update(std::make_unique<LoggersByModel>(std::move(request.loggers_by_model)));
  request = UpdateRequest();
}

absl::Status ServerRequestLogger::Log(const google::protobuf::Message& request,
                                      const google::protobuf::Message& response,
                                      const LogMetadata& log_metadata) {
  absl::Status first_error;
  for (const std::shared_ptr<RequestLogger>& logger : DrawLoggers(log_metadata)) {
    first_error.Update(logger->LogSample(request, response, log_metadata));
  }
  return first_error;
}

ServerRequestLogger::Loggers ServerRequestLogger::DrawLoggers(
    const LogMetadata& log_metadata) const {
  Loggers drawn;
  const auto loggers_by_model = loggers_by_model_.get();
  const auto loggers = loggers_by_model->find(log_metadata.model_spec().name());
  if (loggers == loggers_by_model->end()) return drawn;
  for (const std::shared_ptr<RequestLogger>& logger : loggers->second) {
    if (logger->DrawSample()) drawn.push_back(logger);
  }
  return drawn;
}

}  // namespace serving
}  // namespace tensorflow

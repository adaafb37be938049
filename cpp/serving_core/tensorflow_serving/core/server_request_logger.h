// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_SERVER_REQUEST_LOGGER_H_
#define TENSORFLOW_SERVING_CORE_SERVER_REQUEST_LOGGER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "google/protobuf/message.h"
#include "tensorflow_serving/apis/logging.pb.h"
#include "tensorflow_serving/config/logging_config.pb.h"
#include "tensorflow_serving/core/request_logger.h"
#include "tensorflow_serving/core/stream_logger.h"
#include "tensorflow_serving/util/fast_read_dynamic_ptr.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// Logs requests with the loggers of the model they went to.
//
// Units:    none.
// Errors:   those of the creator and the loggers. kInvalidArgument "No request-logger-creator
//           provided." for logging without a creator. An update that fails changes nothing.
// Threads:  safe from any thread. Updates replace all loggers at once and wait for nothing that is
//           being logged; no lock is held while a logger works.
// Lifetime: a logger lives until the last request and stream that it logs is done with it.
class ServerRequestLogger {
 public:
  using LoggerCreator = std::function<absl::Status(const LoggingConfig& logging_config,
                                                   std::shared_ptr<RequestLogger>* request_logger)>;
  // For each model by name, what to log of it.
  using LoggingConfigMap = std::map<std::string, std::vector<LoggingConfig>>;

  // Without a creator nothing can be logged.
  static absl::Status Create(LoggerCreator request_logger_creator,
                             std::unique_ptr<ServerRequestLogger>* server_request_logger);
  virtual ~ServerRequestLogger() = default;
  ServerRequestLogger(const ServerRequestLogger&) = delete;
  ServerRequestLogger& operator=(const ServerRequestLogger&) = delete;

  // A new set of loggers, ready to take over.
  struct UpdateRequest {
    std::map<std::string, std::shared_ptr<RequestLogger>> logger_by_config;
    std::map<std::string, std::vector<std::shared_ptr<RequestLogger>>> loggers_by_model;
  };

  // CreateUpdateRequest, then ApplyUpdateRequest.
  virtual absl::Status Update(const LoggingConfigMap& logging_config_map);

  // The first half of an update may fail, the second may not. Equal configs share one logger, also
  // with the present set.
  virtual absl::Status CreateUpdateRequest(const LoggingConfigMap& logging_config_map,
                                           UpdateRequest* request);
  virtual void ApplyUpdateRequest(UpdateRequest& request);

  // Logs with each logger of the model that `log_metadata` names; the first error, after all had
  // their turn.
  virtual absl::Status Log(const google::protobuf::Message& request,
                           const google::protobuf::Message& response,
                           const LogMetadata& log_metadata);

  template <typename Request, typename Response>
  using CreateStreamLoggerFn = std::function<std::unique_ptr<StreamLogger<Request, Response>>()>;

  // Draws once for the whole stream. Null if it shall not be logged.
  template <typename Request, typename Response>
  std::unique_ptr<StreamLogger<Request, Response>> StartLoggingStream(
      const LogMetadata& log_metadata,
      CreateStreamLoggerFn<Request, Response> create_stream_logger_fn) const {
    const Loggers loggers = DrawLoggers(log_metadata);
    if (loggers.empty()) return nullptr;
    std::unique_ptr<StreamLogger<Request, Response>> stream_logger = create_stream_logger_fn();
    if (stream_logger == nullptr) return nullptr;
    for (const std::shared_ptr<RequestLogger>& logger : loggers) {
      stream_logger->AddLogCallback(
          logger->CompleteLogMetadata(log_metadata),
          [logger](const google::protobuf::Message& log) { return logger->Collect(log); });
    }
    return stream_logger;
  }

 protected:
  explicit ServerRequestLogger(LoggerCreator request_logger_creator);

 private:
  using Loggers = std::vector<std::shared_ptr<RequestLogger>>;
  using LoggersByModel = std::map<std::string, Loggers>;

  // The logger of this config, from `request`, from the present set, or a new one.
  absl::Status FindOrCreateLogger(const LoggingConfig& config, UpdateRequest* request,
                                  std::shared_ptr<RequestLogger>* logger) const;
  // Those of the model's loggers that are to log this time.
  Loggers DrawLoggers(const LogMetadata& log_metadata) const;

  const LoggerCreator request_logger_creator_;

  // Synchronises itself. Read only for as long as it takes to draw.
  FastReadDynamicPtr<LoggersByModel> loggers_by_model_;

  mutable absl::Mutex mu_;
  std::map<std::string, std::shared_ptr<RequestLogger>> logger_by_config_ ABSL_GUARDED_BY(mu_);
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_SERVER_REQUEST_LOGGER_H_

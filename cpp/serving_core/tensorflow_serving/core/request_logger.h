// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_REQUEST_LOGGER_H_
#define TENSORFLOW_SERVING_CORE_REQUEST_LOGGER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "tensorflow_serving/apis/logging.pb.h"
#include "tensorflow_serving/config/logging_config.pb.h"
#include "tensorflow_serving/core/log_collector.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// Logs a part of all requests with their responses. Derived classes say what a log message is.
//
// Units:    rates are probabilities, from 0 to 1.
// Errors:   those of the derived class and of the collector.
// Threads:  safe from any thread; the virtual functions are called from many at once.
// Lifetime: owns the collector.
class RequestLogger {
 public:
  // `dc` and `task_index` say where this process runs: the first per-task sampling rate that is
  // meant for it replaces the general one. One without a dc, or task index, is meant for all.
  RequestLogger(const LoggingConfig& logging_config,
                const std::vector<std::string>& saved_model_tags,
                std::unique_ptr<LogCollector> log_collector, const std::string& dc, int task_index);
  virtual ~RequestLogger() = default;
  RequestLogger(const RequestLogger&) = delete;
  RequestLogger& operator=(const RequestLogger&) = delete;

  // Draws whether to log, and if so, logs.
  absl::Status Log(const google::protobuf::Message& request,
                   const google::protobuf::Message& response, const LogMetadata& log_metadata);

  const LoggingConfig& logging_config() const { return logging_config_; }
  const std::vector<std::string>& saved_model_tags() const { return saved_model_tags_; }

 private:
  friend class ServerRequestLogger;

  // Makes the message that is kept.
  virtual absl::Status CreateLogMessage(const google::protobuf::Message& request,
                                        const google::protobuf::Message& response,
                                        const LogMetadata& log_metadata,
                                        std::unique_ptr<google::protobuf::Message>* log) = 0;

  // Adds what only the derived class knows. Sampling and tags stand in the metadata already.
  virtual LogMetadata FillLogMetadata(const LogMetadata& log_metadata) = 0;

  bool DrawSample() const;
  absl::Status LogSample(const google::protobuf::Message& request,
                         const google::protobuf::Message& response,
                         const LogMetadata& log_metadata);
  LogMetadata CompleteLogMetadata(const LogMetadata& log_metadata);
  absl::Status Collect(const google::protobuf::Message& log);

  const LoggingConfig logging_config_;
  const std::vector<std::string> saved_model_tags_;
  const double sampling_rate_;
  // Synchronises itself.
  const std::unique_ptr<LogCollector> log_collector_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_REQUEST_LOGGER_H_

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/request_logger.h"

#include <random>
#include <utility>

namespace tensorflow {
namespace serving {
namespace {

double SamplingRate(const SamplingConfig& config, const std::string& dc, int task_index) {
  for (const PerTaskSamplingConfig& per_task : config.per_task_sampling_configs()) {
    const bool is_dc = per_task.dc().empty() || per_task.dc() == dc;
    const bool is_task = !per_task.has_task_index() || per_task.task_index() == task_index;
    if (is_dc && is_task) return per_task.sampling_rate();
  }
  return config.sampling_rate();
}

}  // namespace

RequestLogger::RequestLogger(const LoggingConfig& logging_config,
                             const std::vector<std::string>& saved_model_tags,
                             std::unique_ptr<LogCollector> log_collector, const std::string& dc,
                             int task_index)
    : logging_config_(logging_config),
      saved_model_tags_(saved_model_tags),
      sampling_rate_(SamplingRate(logging_config.sampling_config(), dc, task_index)),
      log_collector_(std::move(log_collector)) {}

absl::Status RequestLogger::Log(const google::protobuf::Message& request,
                                const google::protobuf::Message& response,
                                const LogMetadata& log_metadata) {
  return DrawSample() ? LogSample(request, response, log_metadata) : absl::OkStatus();
}

bool RequestLogger::DrawSample() const {
  if (sampling_rate_ >= 1) return true;
  if (!(sampling_rate_ > 0)) return false;
  thread_local std::mt19937_64 random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random) < sampling_rate_;
}

absl::Status RequestLogger::LogSample(const google::protobuf::Message& request,
                                      const google::protobuf::Message& response,
                                      const LogMetadata& log_metadata) {
  std::unique_ptr<google::protobuf::Message> log;
  absl::Status status =
      CreateLogMessage(request, response, CompleteLogMetadata(log_metadata), &log);
  if (!status.ok()) return status;
  if (log == nullptr) return absl::InternalError("CreateLogMessage made no message");
  return Collect(*log);
}

LogMetadata RequestLogger::CompleteLogMetadata(const LogMetadata& log_metadata) {
  LogMetadata complete = log_metadata;
  *complete.mutable_sampling_config() = logging_config_.sampling_config();
  complete.mutable_saved_model_tags()->Assign(saved_model_tags_.begin(), saved_model_tags_.end());
  return FillLogMetadata(complete);
}

absl::Status RequestLogger::Collect(const google::protobuf::Message& log) {
  return log_collector_->CollectMessage(log);
}

}  // namespace serving
}  // namespace tensorflow

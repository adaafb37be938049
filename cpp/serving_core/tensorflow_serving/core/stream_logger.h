// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_STREAM_LOGGER_H_
#define TENSORFLOW_SERVING_CORE_STREAM_LOGGER_H_

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "tensorflow_serving/apis/logging.pb.h"

namespace tensorflow {
namespace serving {

// Collects the requests and responses of one stream, and logs them as one message at its end.
// Derived classes say how they are kept and what the message is.
//
// Units:    none.
// Errors:   those of the derived class and of whoever takes the message.
// Threads:  LogStreamRequest and LogStreamResponse may be called by two threads at once, as a
//           stream is read and written by two; the others as a plain value's.
// Lifetime: as long as its stream. A stream that breaks off may drop its logger without logging.
template <typename Request, typename Response>
class StreamLogger {
 public:
  virtual ~StreamLogger() = default;

  virtual void LogStreamRequest(Request request) = 0;
  virtual void LogStreamResponse(Response response) = 0;

  // Takes the message at the stream's end, made with this metadata.
  using LogMessageFn = std::function<absl::Status(const google::protobuf::Message& log)>;
  void AddLogCallback(const LogMetadata& log_metadata, LogMessageFn log_message_fn) {
    callbacks_.emplace_back(log_metadata, std::move(log_message_fn));
  }

  // Hands the message to everyone who wanted it. The first error, after all had their turn. To be
  // called once, when the stream has ended.
  absl::Status LogMessage() {
    absl::Status first_error;
    for (const auto& [log_metadata, log_message_fn] : callbacks_) {
      first_error.Update(LogTo(log_metadata, log_message_fn));
    }
    return first_error;
  }

 private:
  virtual absl::Status CreateLogMessage(const LogMetadata& log_metadata,
                                        std::unique_ptr<google::protobuf::Message>* log) = 0;

  absl::Status LogTo(const LogMetadata& log_metadata, const LogMessageFn& log_message_fn) {
    std::unique_ptr<google::protobuf::Message> log;
    absl::Status status = CreateLogMessage(log_metadata, &log);
    if (!status.ok()) return status;
    if (log == nullptr) return absl::InternalError("CreateLogMessage made no message");
    return log_message_fn(*log);
  }

  std::vector<std::pair<LogMetadata, LogMessageFn>> callbacks_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_STREAM_LOGGER_H_

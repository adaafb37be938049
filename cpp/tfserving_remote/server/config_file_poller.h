// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_CONFIG_FILE_POLLER_H_
#define TFSERVING_REMOTE_SERVER_CONFIG_FILE_POLLER_H_

#include <functional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tfserving_remote/base/cancellation.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"

namespace tfserving_remote {

/// Reads --model_config_file again and again, and applies it when what it says has changed, or
/// could not be applied the last time: a label may have to wait for its version.
///
/// Units:    absl::Duration.
/// Errors:   told to the log, once for each content of the file; the configuration before stays.
/// Threads:  the constructor starts one, on which `apply` is called.
/// Lifetime: clock and log outlive it. The destructor waits for a file that is being applied.
class ConfigFilePoller {
 public:
  struct Options {
    std::string path;
    absl::Duration wait;
    /// What was read from the file and applied before.
    tensorflow::serving::ModelServerConfig applied;
    std::function<absl::Status(const tensorflow::serving::ModelServerConfig& config)> apply;
  };

  ConfigFilePoller(Options options, Clock& clock, LogSink& log);
  ~ConfigFilePoller();
  ConfigFilePoller(const ConfigFilePoller&) = delete;
  ConfigFilePoller& operator=(const ConfigFilePoller&) = delete;

 private:
  void Work();
  void Poll();
  void TellOnce(const std::string& what);

  // Constant after construction.
  const Options options_;
  Clock& clock_;
  LogSink& log_;

  // Of the thread.
  tensorflow::serving::ModelServerConfig applied_;
  /// The last one told; empty while all is well.
  std::string told_;
  /// What the last failure came from, so that it is told anew when the file changes.
  tensorflow::serving::ModelServerConfig refused_;

  // Synchronises itself.
  Cancellation stop_;

  // Last: it uses the others from its first moment.
  std::thread thread_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_CONFIG_FILE_POLLER_H_

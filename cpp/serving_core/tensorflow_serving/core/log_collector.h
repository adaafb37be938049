// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_LOG_COLLECTOR_H_
#define TENSORFLOW_SERVING_CORE_LOG_COLLECTOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "tensorflow_serving/config/log_collector_config.pb.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// Takes log messages and brings them to where they are kept.
//
// Units:    none.
// Errors:   the implementation's own. Create: kNotFound for a type that nobody registered.
//           RegisterFactory: kAlreadyExists.
// Threads:  CollectMessage and Flush are called from many threads at once.
// Lifetime: what was collected and not flushed is the implementation's business when it dies.
class LogCollector {
 public:
  virtual ~LogCollector() = default;

  // Makes a collector of the type that `config` names. `id` tells apart those of one config.
  static absl::Status Create(const LogCollectorConfig& config, const uint32_t id,
                             std::unique_ptr<LogCollector>* log_collector);

  using Factory = std::function<decltype(Create)>;
  static absl::Status RegisterFactory(const std::string& type, const Factory& factory);

  // `message` need not outlive the call.
  virtual absl::Status CollectMessage(const google::protobuf::Message& message) = 0;

  // Returns when all that was collected before is kept.
  virtual absl::Status Flush() = 0;

 protected:
  LogCollector() = default;
};

namespace internal {

// For the macro below; ends the process if the type is taken.
bool RegisterLogCollectorOrDie(const std::string& type, const LogCollector::Factory& factory);

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

// In a namespace: makes collectors of the type `type`, a string, by `factory`.
#define REGISTER_LOG_COLLECTOR(type, factory) \
  TFS_INTERNAL_REGISTER_LOG_COLLECTOR(__COUNTER__, type, factory)
#define TFS_INTERNAL_REGISTER_LOG_COLLECTOR(counter, type, factory) \
  TFS_INTERNAL_REGISTER_LOG_COLLECTOR_AS(counter, type, factory)
#define TFS_INTERNAL_REGISTER_LOG_COLLECTOR_AS(counter, type, factory)        \
  [[maybe_unused]] static const bool tfs_registered_log_collector_##counter = \
      ::tensorflow::serving::internal::RegisterLogCollectorOrDie(type, factory);

#endif  // TENSORFLOW_SERVING_CORE_LOG_COLLECTOR_H_

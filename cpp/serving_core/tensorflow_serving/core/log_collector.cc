// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/log_collector.h"

#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/log/log.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace tensorflow {
namespace serving {
namespace {

struct Factories {
  absl::Mutex mu;
  std::map<std::string, LogCollector::Factory> by_type ABSL_GUARDED_BY(mu);
};

// Made by whichever static initialiser comes first, and never destroyed: others may still ask.
Factories& AllFactories() {
  static Factories* const factories = new Factories;
  return *factories;
}

}  // namespace

absl::Status LogCollector::Create(const LogCollectorConfig& config, const uint32_t id,
                                  std::unique_ptr<LogCollector>* log_collector) {
  Factory factory;
  {
    Factories& factories = AllFactories();
    absl::MutexLock lock(&factories.mu);
    const auto found = factories.by_type.find(config.type());
    if (found != factories.by_type.end()) factory = found->second;
  }
  if (!factory) {
    return absl::NotFoundError(
        absl::StrCat("Cannot find LogCollector::Factory for type: ", config.type()));
  }
  return factory(config, id, log_collector);
}

absl::Status LogCollector::RegisterFactory(const std::string& type, const Factory& factory) {
  Factories& factories = AllFactories();
  absl::MutexLock lock(&factories.mu);
  if (!factories.by_type.emplace(type, factory).second) {
    return absl::AlreadyExistsError(absl::StrCat("Type ", type, " already registered."));
  }
  return absl::OkStatus();
}

namespace internal {

bool RegisterLogCollectorOrDie(const std::string& type, const LogCollector::Factory& factory) {
  const absl::Status status = LogCollector::RegisterFactory(type, factory);
  if (!status.ok()) LOG(FATAL) << status;
  return true;
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
// Doubles for the tests of this room alone.
#ifndef TENSORFLOW_SERVING_CORE_TEST_UTIL_TEST_SUPPORT_H_
#define TENSORFLOW_SERVING_CORE_TEST_UTIL_TEST_SUPPORT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/log_severity.h"
#include "absl/base/thread_annotations.h"
#include "absl/log/globals.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/util/event_bus.h"

namespace tensorflow {
namespace serving {
namespace test_util {

// Writes down what is published on its bus: "m/1 Loading", "m/2 End NOT_FOUND".
class EventLog {
 public:
  EventLog()
      : bus_(EventBus<ServableState>::CreateEventBus()),
        subscription_(bus_->Subscribe([this](const EventBus<ServableState>::EventAndTime& event) {
          absl::MutexLock lock(&mu_);
          lines_.push_back(Line(event.event));
        })) {}

  EventBus<ServableState>* bus() const { return bus_.get(); }

  // What was published since the last call.
  std::vector<std::string> Take() {
    absl::MutexLock lock(&mu_);
    return std::exchange(lines_, {});
  }
  void Await(const std::string& line) {
    const auto has_line = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      for (const std::string& present : lines_) {
        if (present == line) return true;
      }
      return false;
    };
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&has_line));
  }

 private:
  static std::string Line(const ServableState& state) {
    std::string line = absl::StrCat(state.id.name, "/", state.id.version, " ",
                                    ServableState::ManagerStateString(state.manager_state));
    if (!state.health.ok()) {
      absl::StrAppend(&line, " ", absl::StatusCodeToString(state.health.code()));
    }
    return line;
  }

  absl::Mutex mu_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mu_);
  const std::shared_ptr<EventBus<ServableState>> bus_;
  const std::unique_ptr<EventBus<ServableState>::Subscription> subscription_;
};

// A loader that does what the test says. Its servable is the version number it was loaded as, and
// becomes -1 with the unload, so that a use after the unload shows.
class ScriptedLoader : public ResourceUnsafeLoader {
 public:
  // `load` is told the attempt, from 1; null always succeeds.
  explicit ScriptedLoader(std::function<absl::Status(int attempt)> load = nullptr,
                          std::function<void()> unload = nullptr)
      : load_(std::move(load)), unload_(std::move(unload)) {}

  absl::Status LoadWithMetadata(const Metadata& metadata) override {
    servable_ = metadata.servable_id.version;
    return load_ ? load_(++attempt_) : absl::OkStatus();
  }
  void Unload() override {
    servable_ = -1;
    if (unload_) unload_();
  }
  AnyPtr servable() override { return &servable_; }

 private:
  const std::function<absl::Status(int attempt)> load_;
  const std::function<void()> unload_;
  int attempt_ = 0;
  int64_t servable_ = -1;
};

using LoaderData = ServableData<std::unique_ptr<Loader>>;

inline LoaderData MakeVersion(const std::string& name, int64_t version,
                              std::function<absl::Status(int attempt)> load = nullptr,
                              std::function<void()> unload = nullptr) {
  return LoaderData({name, version},
                    std::make_unique<ScriptedLoader>(std::move(load), std::move(unload)));
}

template <typename... Versions>
std::vector<LoaderData> ListOf(Versions... versions) {
  std::vector<LoaderData> list;
  (list.push_back(std::move(versions)), ...);
  return list;
}

// Keeps the log lines of loads that fail on purpose, by the thousand, from the test's output.
class QuietLog {
 public:
  QuietLog() : before_(absl::MinLogLevel()) {
    absl::SetMinLogLevel(absl::LogSeverityAtLeast::kFatal);
  }
  ~QuietLog() { absl::SetMinLogLevel(before_); }
  QuietLog(const QuietLog&) = delete;
  QuietLog& operator=(const QuietLog&) = delete;

 private:
  const absl::LogSeverityAtLeast before_;
};

// A load that always fails in the same way.
inline std::function<absl::Status(int)> FailWith(const absl::Status& status) {
  return [status](int) { return status; };
}

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_TEST_UTIL_TEST_SUPPORT_H_

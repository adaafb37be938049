// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/base/log.h"

namespace tfserving_remote {
namespace {

class NullSink final : public LogSink {
 public:
  void Log(Severity severity, absl::string_view message) override {}
};

}  // namespace

LogSink& LogSink::Null() {
  static NullSink* const sink = new NullSink;
  return *sink;
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/base/stderr_log.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

char Letter(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return 'I';
    case Severity::kWarning:
      return 'W';
    case Severity::kError:
      return 'E';
  }
  return '?';
}

}  // namespace

void StderrLog::Log(Severity severity, absl::string_view message) {
  const std::string line = FormatLogLine(clock_.Now(), severity, message);
  // One write, so that lines of several threads do not mix.
  if (write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

std::string FormatLogLine(absl::Time time, Severity severity, absl::string_view message) {
  std::string line =
      absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone()), " ",
                   std::string(1, Letter(severity)), " ", message);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  line.push_back('\n');
  return line;
}

}  // namespace tfserving_remote

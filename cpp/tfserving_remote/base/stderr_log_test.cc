// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/base/stderr_log.h"

#include <gtest/gtest.h>

namespace tfserving_remote {
namespace {

TEST(StderrLogTest, WritesOneLineForEachMessage) {
  const absl::Time time = absl::FromUnixMillis(1'700'000'000'123);
  EXPECT_EQ(FormatLogLine(time, Severity::kWarning, "two\nlines"),
            "2023-11-14T22:13:20.123Z W two lines\n");
}

}  // namespace
}  // namespace tfserving_remote

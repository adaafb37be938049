// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/base/backoff.h"

#include <gtest/gtest.h>

namespace tfserving_remote {
namespace {

TEST(BackoffTest, GrowsUpToTheCap) {
  const BackoffOptions options{absl::Seconds(1), absl::Seconds(5), 2.0, 0.0};
  EXPECT_EQ(BackoffPause(options, 1, 0.0), absl::Seconds(1));
  EXPECT_EQ(BackoffPause(options, 2, 0.0), absl::Seconds(2));
  EXPECT_EQ(BackoffPause(options, 3, 0.0), absl::Seconds(4));
  EXPECT_EQ(BackoffPause(options, 4, 0.0), absl::Seconds(5));
  EXPECT_EQ(BackoffPause(options, 1'000'000, 0.0), absl::Seconds(5));
}

TEST(BackoffTest, JitterOnlyShortens) {
  const BackoffOptions options{absl::Seconds(2), absl::Seconds(8), 2.0, 0.5};
  EXPECT_EQ(BackoffPause(options, 1, 0.0), absl::Seconds(2));
  EXPECT_EQ(BackoffPause(options, 1, 0.5), absl::Seconds(1.5));
}

TEST(BackoffTest, ValidateNamesTheField) {
  BackoffOptions options;
  EXPECT_TRUE(options.Validate().ok());
  options.multiplier = 0.5;
  EXPECT_NE(options.Validate().message().find("multiplier"), std::string::npos);
}

}  // namespace
}  // namespace tfserving_remote

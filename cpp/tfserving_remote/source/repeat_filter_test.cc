// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/repeat_filter.h"

#include <gtest/gtest.h>

namespace tfserving_remote {
namespace {

constexpr absl::Time kStart = absl::UnixEpoch();

TEST(RepeatFilterTest, SaysNewsAtOnceAndTheSameOnlyNowAndThen) {
  RepeatFilter filter;
  int said = 0;
  for (int second = 0; second < 3600; ++second) {
    said += filter.Admit("topic", "state", kStart + absl::Seconds(second)) ? 1 : 0;
  }
  EXPECT_EQ(said, 6);
  EXPECT_TRUE(filter.Admit("other", "state", kStart + absl::Hours(1)));
}

TEST(RepeatFilterTest, AStateThatFlapsIsHeldBackUntilItStays) {
  RepeatFilter filter;
  EXPECT_TRUE(filter.Admit("topic", "a", kStart));
  EXPECT_FALSE(filter.Admit("topic", "b", kStart + absl::Seconds(1)));
  EXPECT_FALSE(filter.Admit("topic", "a", kStart + absl::Seconds(2)));
  EXPECT_FALSE(filter.Admit("topic", "b", kStart + absl::Seconds(3)));
  EXPECT_TRUE(filter.Admit("topic", "b", kStart + absl::Seconds(11)));
}

TEST(RepeatFilterTest, ATopicThatWasNotAskedAboutForLongIsNewsAgain) {
  RepeatFilter filter;
  EXPECT_TRUE(filter.Admit("topic", "a", kStart));
  EXPECT_TRUE(filter.Admit("other", "a", kStart + absl::Minutes(11)));
  EXPECT_TRUE(filter.Admit("topic", "b", kStart + absl::Minutes(11)));
}

}  // namespace
}  // namespace tfserving_remote

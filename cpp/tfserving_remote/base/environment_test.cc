// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/base/environment.h"

#include <gtest/gtest.h>

namespace tfserving_remote {
namespace {

TEST(EnvironmentTest, TellsUnsetFromEmpty) {
  const EnvironmentReader environment = FixedEnvironment({{"EMPTY", ""}, {"A", "b"}});
  EXPECT_EQ(environment("A"), "b");
  EXPECT_EQ(environment("EMPTY"), "");
  EXPECT_EQ(environment("MISSING"), std::nullopt);
  EXPECT_EQ(ReadEnvironment(environment, "MISSING"), "");
}

TEST(EnvironmentTest, ReadsFlagsAsPeopleWriteThem) {
  const EnvironmentReader environment =
      FixedEnvironment({{"ON", "True"}, {"OFF", "no"}, {"EMPTY", ""}, {"ODD", "maybe"}});
  EXPECT_EQ(ReadEnvironmentFlag(environment, "ON"), true);
  EXPECT_EQ(ReadEnvironmentFlag(environment, "OFF"), false);
  EXPECT_EQ(ReadEnvironmentFlag(environment, "EMPTY"), false);
  EXPECT_EQ(ReadEnvironmentFlag(environment, "ODD"), std::nullopt);
  EXPECT_EQ(ReadEnvironmentFlag(environment, "MISSING"), std::nullopt);
}

TEST(EnvironmentTest, SeesTheProcess) {
  EXPECT_TRUE(ProcessEnvironment()("PATH").has_value());
  EXPECT_FALSE(ProcessEnvironment()("TFSR_SURELY_NOT_SET").has_value());
}

}  // namespace
}  // namespace tfserving_remote

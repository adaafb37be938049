// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/tensorflow/simple_servers.h"

#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow_serving/core/servable_handle.h"

namespace tensorflow {
namespace serving {
namespace {

TEST(SimpleServersTest, ServesTheOneModel) {
  std::unique_ptr<Manager> manager;
  ASSERT_TRUE(simple_servers::CreateSingleTFModelManagerFromBasePath(
                  TFSR_TEST_MODELS "/half_plus_two", &manager)
                  .ok());
  // A manager alone tells of no events.
  while (manager->ListAvailableServableIds().empty()) absl::SleepFor(absl::Milliseconds(1));
  ServableHandle<SavedModelBundle> bundle;
  ASSERT_TRUE(manager->GetServableHandle(ServableRequest::Latest("default"), &bundle).ok());
  EXPECT_EQ(bundle.id().version, 1);
  EXPECT_EQ(bundle->GetSignatures().count("serving_default"), 1);
}

TEST(SimpleServersTest, WantsABasePath) {
  std::unique_ptr<Manager> manager;
  EXPECT_TRUE(absl::IsInvalidArgument(
      simple_servers::CreateSingleTFModelManagerFromBasePath("", &manager)));
  EXPECT_EQ(manager, nullptr);
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

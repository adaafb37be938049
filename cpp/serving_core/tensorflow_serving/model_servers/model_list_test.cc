// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/model_servers/model_list.h"

#include "tensorflow_serving/model_servers/test_util/server_core_test_support.h"

namespace tensorflow {
namespace serving {
namespace internal {
namespace {

using test_util::Fails;
using test_util::Model;

absl::Status Resolve(const std::vector<ModelConfig>& models, ModelConfigList* resolved,
                     const absl::optional<std::string>& root_dir = absl::nullopt) {
  PlatformConfigMap platforms = test_util::TwoPlatforms();
  (*platforms.mutable_platform_configs())["tensorflow"];
  return ResolveModelList(test_util::ListOfModels(models).model_config_list(), platforms, root_dir,
                          resolved);
}

::testing::Matcher<absl::Status> IsInvalid(const std::string& words) {
  return Fails(absl::StatusCode::kInvalidArgument, words);
}

TEST(ModelListTest, TakesAbsolutePathsAndUris) {
  for (const char* const path : {"/", "/models/m", "s3://bucket/m", "gs://b", "x-y+z.1://?"}) {
    EXPECT_TRUE(IsAbsolutePathOrUri(path)) << path;
  }
  for (const char* const path : {"", "models/m", "./m", "://m", "1s://m", "a b://m", "s3:/m"}) {
    EXPECT_FALSE(IsAbsolutePathOrUri(path)) << path;
  }
}

TEST(ModelListTest, JoinsOnlyRelativePathsToTheRootDir) {
  ModelConfig relative = Model("r");
  relative.set_base_path("r");
  ModelConfigList resolved;
  ASSERT_TRUE(Resolve({relative, Model("m")}, &resolved, "s3://bucket/models/").ok());
  EXPECT_EQ(resolved.config(0).base_path(), "s3://bucket/models/r");
  EXPECT_EQ(resolved.config(1).base_path(), "/models/m");
}

TEST(ModelListTest, RefusesModelsThatAreIncomplete) {
  ModelConfigList resolved;
  EXPECT_THAT(Resolve({Model("")}, &resolved), IsInvalid("has no name; its base_path is /models/"));
  ModelConfig relative = Model("m");
  relative.set_base_path("m");
  EXPECT_THAT(Resolve({relative}, &resolved),
              IsInvalid("Expected model m to have an absolute path or URI; got base_path()=m"));
  ModelConfig no_platform = Model("m");
  no_platform.clear_model_platform();
  EXPECT_THAT(Resolve({no_platform}, &resolved),
              IsInvalid("Illegal setting neither model_type (deprecated) nor model_platform; "
                        "model name is m"));
}

TEST(ModelListTest, RefusesWhatIsListedTwiceOrServedByNobody) {
  ModelConfigList resolved;
  EXPECT_THAT(Resolve({Model("m"), Model("n"), Model("m")}, &resolved),
              IsInvalid("Illegal to list model m multiple times in config list"));
  ModelConfig unknown = Model("m");
  unknown.set_model_platform("onnx");
  EXPECT_THAT(Resolve({unknown}, &resolved),
              IsInvalid("Model m requests unsupported platform onnx; there are: other, "
                        "tensorflow, text"));
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
TEST(ModelListTest, UnderstandsTheDeprecatedModelType) {
  ModelConfig old = Model("m");
  old.set_model_type(TENSORFLOW);
  ModelConfigList resolved;
  EXPECT_THAT(Resolve({old}, &resolved),
              IsInvalid("Illegal setting both model_type (deprecated) and model_platform; model "
                        "name is m"));
  old.clear_model_platform();
  ASSERT_TRUE(Resolve({old}, &resolved).ok());
  EXPECT_EQ(resolved.config(0).model_platform(), "tensorflow");
  ModelConfig now = Model("m");
  now.set_model_platform("tensorflow");
  EXPECT_TRUE(
      CheckPlatformsStay(resolved, test_util::ListOfModels({now}).model_config_list()).ok());
  old.set_model_type(OTHER);
  EXPECT_THAT(Resolve({old}, &resolved), IsInvalid("requests unsupported platform OTHER"));
}
#pragma GCC diagnostic pop

}  // namespace
}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string WriteFile(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

TEST(ModelConfigTest, OneModelComesFromFlags) {
  ServerOptions options;
  options.model_name = "m";
  options.model_base_path = "s3://bucket/m";
  options.model_version_policy = "latest:2";
  const tfs::ModelServerConfig config = *ReadModelConfig(options);
  ASSERT_EQ(config.model_config_list().config_size(), 1);
  const tfs::ModelConfig& model = config.model_config_list().config(0);
  EXPECT_EQ(model.name(), "m");
  EXPECT_EQ(model.model_version_policy().latest().num_versions(), 2u);
}

TEST(ModelConfigTest, ManyModelsComeFromAFile) {
  ServerOptions options;
  options.model_config_file = WriteFile("models.config", R"(model_config_list {
    config { name: "a" base_path: "gs://b/a" model_platform: "tensorflow"
             version_labels { key: "stable" value: 3 } }
    config { name: "b" base_path: "/models/b" model_type: TENSORFLOW } })");
  const absl::StatusOr<tfs::ModelServerConfig> config = ReadModelConfig(options);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->model_config_list().config_size(), 2);
  EXPECT_EQ(config->model_config_list().config(0).version_labels().at("stable"), 3);
}

TEST(ModelConfigTest, SaysWhereAFileIsWrong) {
  ServerOptions options;
  options.model_config_file = WriteFile("wrong.config", "model_config_list {\n  confg { } }");
  const absl::Status status = ReadModelConfig(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              StartsWith("Invalid protobuf file: '" + options.model_config_file + "'"));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("Error parsing text-format tensorflow.serving.ModelServerConfig: line 2"));

  options.model_config_file = "/nowhere/models.config";
  EXPECT_EQ(ReadModelConfig(options).status().code(), absl::StatusCode::kNotFound);
}

TEST(ModelConfigTest, UnderstandsShortAndTextPolicies) {
  EXPECT_TRUE(ParseVersionPolicy("all")->has_all());
  EXPECT_EQ(ParseVersionPolicy("latest")->latest().num_versions(), 1u);
  EXPECT_EQ(ParseVersionPolicy("latest { num_versions: 3 }")->latest().num_versions(), 3u);
  EXPECT_THAT(ParseVersionPolicy("specific:3,1")->specific().versions(),
              ::testing::ElementsAre(3, 1));
  for (const char* wrong : {"latest:0", "latest:x", "specific:", "specific:1,,2", "newest"}) {
    EXPECT_EQ(ParseVersionPolicy(wrong).status().code(), absl::StatusCode::kInvalidArgument)
        << wrong;
  }
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/tensorflow/bundle_factory_util.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow_serving/servables/tensorflow/saved_model_config.pb.h"
#include "tensorflow_serving/servables/tensorflow/session_overrides.h"
#include "tensorflow_serving/servables/tensorflow/test_models.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::AddFile;
using test_util::CopyHalfPlusTwo;
using test_util::FreshFolder;

constexpr char kOverrides[] = "assets.extra/saved_model_config.pb";

bool DisablesOptimizers(const SessionOptions& options) {
  return options.config.graph_options().rewrite_options().disable_meta_optimizer();
}

TEST(BundleFactoryUtilTest, TakesTheSessionsOptionsFromTheConfiguration) {
  SessionBundleConfig config;
  config.set_session_target("grpc://worker");
  config.mutable_session_config()->set_intra_op_parallelism_threads(3);
  const SessionOptions options = GetSessionOptions(config);
  EXPECT_EQ(options.target, "grpc://worker");
  EXPECT_EQ(options.config.intra_op_parallelism_threads(), 3);
}

TEST(BundleFactoryUtilTest, TurnsOnTheRewriterOfTheOnePrecisionItKnows) {
  SessionBundleConfig config;
  config.set_mixed_precision("float8");
  const auto toggle = [&config] {
    const ConfigProto session = GetSessionOptions(config).config;
    return session.graph_options().rewrite_options().auto_mixed_precision_onednn_bfloat16();
  };
  EXPECT_EQ(toggle(), RewriterConfig::DEFAULT);
  config.set_mixed_precision("bfloat16");
  EXPECT_EQ(toggle(), RewriterConfig::ON);
}

TEST(BundleFactoryUtilTest, RestoresInThePoolOfTheConfigurationOrInTheFirst) {
  SessionBundleConfig config;
  EXPECT_EQ(GetRunOptions(config).inter_op_thread_pool(), 0);
  config.mutable_session_run_load_threadpool_index()->set_value(2);
  EXPECT_EQ(GetRunOptions(config).inter_op_thread_pool(), 2);
}

TEST(BundleFactoryUtilTest, EstimatesOneFifthMoreThanTheFilesOfAllFolders) {
  const std::string folder = FreshFolder("ram://");
  AddFile(folder, "saved_model.pb", std::string(7, 'x'));
  AddFile(folder, "variables/variables.index", std::string(3, 'x'));
  AddFile(folder, "assets.extra/deep/er/file", std::string(9, 'x'));
  ResourceAllocation estimate;
  estimate.add_resource_quantities()->set_quantity(1);
  for (const bool use_validation_result : {false, true}) {
    const absl::Status status = EstimateResourceFromPath(folder, use_validation_result, &estimate);
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_EQ(estimate.resource_quantities_size(), 1);
    const ResourceAllocation::Entry& entry = estimate.resource_quantities(0);
    EXPECT_EQ(entry.resource().device(), "main");
    EXPECT_FALSE(entry.resource().has_device_instance());
    EXPECT_EQ(entry.resource().kind(), "ram_in_bytes");
    EXPECT_EQ(entry.quantity(), 22u) << "1.2 * 19 = 22.8";
  }
}

TEST(BundleFactoryUtilTest, CannotEstimateWhatIsNotThere) {
  ResourceAllocation estimate;
  EXPECT_TRUE(absl::IsNotFound(
      EstimateResourceFromPath(::testing::TempDir() + "/no/such", false, &estimate)));
  EXPECT_EQ(estimate.resource_quantities_size(), 0);
}

TEST(SessionOverridesTest, TurnsOffOptimizersForAVersionThatSaysSo) {
  const std::string folder = CopyHalfPlusTwo();
  SessionOptions options;
  ASSERT_TRUE(ApplySessionOverrides(folder, &options).ok());
  EXPECT_FALSE(DisablesOptimizers(options));
  SavedModelConfig config;
  config.mutable_session_overrides()->set_disable_meta_optimizer(true);
  AddFile(folder, kOverrides, config.SerializeAsString());
  ASSERT_TRUE(ApplySessionOverrides(folder, &options).ok());
  EXPECT_TRUE(DisablesOptimizers(options));
}

TEST(SessionOverridesTest, IgnoresAFileThatDoesNotParse) {
  const std::string folder = CopyHalfPlusTwo();
  AddFile(folder, kOverrides, "\xff no message");
  SessionOptions options;
  EXPECT_TRUE(ApplySessionOverrides(folder, &options).ok());
  EXPECT_FALSE(DisablesOptimizers(options));
}

TEST(SessionOverridesTest, FailsOnAFileThatCannotBeRead) {
  const std::string folder = CopyHalfPlusTwo();
  AddFile(folder, absl::StrCat(kOverrides, "/file"), "x");
  SessionOptions options;
  EXPECT_FALSE(ApplySessionOverrides(folder, &options).ok());
}

TEST(SessionOverridesTest, RefusesOnlyWhatChangesAnswers) {
  const std::string folder = CopyHalfPlusTwo();
  SavedModelConfig config;
  config.mutable_session_overrides()->mutable_batch_op_rewriter_config();
  config.mutable_session_overrides()->set_disable_meta_optimizer(true);
  AddFile(folder, kOverrides, config.SerializeAsString());
  SessionOptions options;
  EXPECT_TRUE(ApplySessionOverrides(folder, &options).ok());
  EXPECT_TRUE(DisablesOptimizers(options));
  config.mutable_session_overrides()->mutable_remote_op_remap_config();
  AddFile(folder, kOverrides, config.SerializeAsString());
  EXPECT_TRUE(absl::IsUnimplemented(ApplySessionOverrides(folder, &options)));
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

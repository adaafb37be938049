// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/tensorflow/saved_model_bundle_factory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tensorflow_serving/servables/tensorflow/saved_model_config.pb.h"
#include "tensorflow_serving/servables/tensorflow/test_models.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::AddFile;
using test_util::AskHalfPlusTwo;
using test_util::CopyHalfPlusTwo;
using test_util::FreshFolder;
using test_util::TestModelFolder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsNull;

std::unique_ptr<SavedModelBundleFactory> MakeFactory(const SessionBundleConfig& config) {
  std::unique_ptr<SavedModelBundleFactory> factory;
  const absl::Status created = SavedModelBundleFactory::Create(config, &factory);
  EXPECT_TRUE(created.ok()) << created;
  return factory;
}

absl::Status Load(const SessionBundleConfig& config, const std::string& path,
                  std::unique_ptr<SavedModelBundle>* bundle) {
  return MakeFactory(config)->CreateSavedModelBundle(path, bundle);
}

absl::Status LoadError(const SessionBundleConfig& config, const std::string& path) {
  std::unique_ptr<SavedModelBundle> bundle;
  const absl::Status status = Load(config, path, &bundle);
  EXPECT_THAT(bundle, IsNull());
  return status;
}

TEST(SavedModelBundleFactoryTest, LoadsAModelThatAnswersAfterTheFactoryIsGone) {
  std::unique_ptr<SavedModelBundle> bundle;
  const absl::Status loaded = Load({}, TestModelFolder("half_plus_two"), &bundle);
  ASSERT_TRUE(loaded.ok()) << loaded;
  const absl::StatusOr<float> y = AskHalfPlusTwo(*bundle);
  ASSERT_TRUE(y.ok()) << y.status();
  EXPECT_EQ(*y, 7);
  EXPECT_TRUE(absl::IsPermissionDenied(bundle->GetSession()->Close()));
}

TEST(SavedModelBundleFactoryTest, LoadsOutOfAnyFileSystemOfTensorFlow) {
  std::unique_ptr<SavedModelBundle> bundle;
  const absl::Status loaded = Load({}, CopyHalfPlusTwo("ram://"), &bundle);
  ASSERT_TRUE(loaded.ok()) << loaded;
  EXPECT_EQ(*AskHalfPlusTwo(*bundle), 7);
}

TEST(SavedModelBundleFactoryTest, LoadsTheGraphWithExactlyTheTagsAskedFor) {
  const std::string folder = TestModelFolder("half_plus_two");
  SessionBundleConfig config;
  config.add_saved_model_tags("serve");
  std::unique_ptr<SavedModelBundle> bundle;
  EXPECT_TRUE(Load(config, folder, &bundle).ok());
  config.add_saved_model_tags("gpu");
  EXPECT_TRUE(absl::IsNotFound(LoadError(config, folder)));
}

TEST(SavedModelBundleFactoryTest, KeepsOnlySignaturesWhenAskedTo) {
  SessionBundleConfig config;
  std::unique_ptr<SavedModelBundle> bundle;
  ASSERT_TRUE(Load(config, TestModelFolder("half_plus_two"), &bundle).ok());
  EXPECT_GT(bundle->meta_graph_def.graph_def().node_size(), 0);
  MetaGraphDef expected;
  *expected.mutable_signature_def() = bundle->meta_graph_def.signature_def();
  config.set_remove_unused_fields_from_bundle_metagraph(true);
  ASSERT_TRUE(Load(config, TestModelFolder("half_plus_two"), &bundle).ok());
  EXPECT_EQ(bundle->meta_graph_def.SerializeAsString().size(), expected.SerializeAsString().size());
  EXPECT_EQ(*AskHalfPlusTwo(*bundle), 7);
}

TEST(SavedModelBundleFactoryTest, SaysThatThereIsNoSavedModel) {
  const std::string folder = FreshFolder();
  AddFile(folder, "variables/variables.index", "x");
  for (const std::string& path : {folder, folder + "/missing"}) {
    const absl::Status status = LoadError({}, path);
    EXPECT_TRUE(absl::IsNotFound(status));
    EXPECT_EQ(status.message(),
              absl::StrCat("Specified file path does not appear to contain a SavedModel bundle "
                           "(should have a file called `saved_model.pb`)\nSpecified file path: ",
                           path));
  }
}

TEST(SavedModelBundleFactoryTest, RefusesSessionBundles) {
  const std::string folder = CopyHalfPlusTwo();
  AddFile(folder, "export.meta", "x");
  const absl::Status status = LoadError({}, folder);
  EXPECT_TRUE(absl::IsUnimplemented(status));
  EXPECT_EQ(status.message(), "Session Bundle is deprecated and removed.");
}

TEST(SavedModelBundleFactoryTest, FailsOnAGraphThatDoesNotParse) {
  const std::string folder = CopyHalfPlusTwo();
  AddFile(folder, "saved_model.pb", "no SavedModel");
  EXPECT_FALSE(LoadError({}, folder).ok());
}

TEST(SavedModelBundleFactoryTest, RefusesSavedModelConfigs) {
  SessionBundleConfig config;
  config.set_enable_saved_model_config(true);
  const absl::Status status = LoadError(config, TestModelFolder("half_plus_two"));
  EXPECT_TRUE(absl::IsUnimplemented(status));
  EXPECT_EQ(status.message(), "Saved model config functionality is not implemented.");
}

TEST(SavedModelBundleFactoryTest, AppliesTheSessionOverridesOfAVersion) {
  const std::string folder = CopyHalfPlusTwo();
  SavedModelConfig overrides;
  overrides.mutable_session_overrides()->mutable_remote_op_remap_config();
  AddFile(folder, "assets.extra/saved_model_config.pb", overrides.SerializeAsString());
  EXPECT_TRUE(absl::IsUnimplemented(LoadError({}, folder)));
}

TEST(SavedModelBundleFactoryTest, RefusesTensorFlowLiteOnlyWhereThereIsAModelOfIt) {
  const std::string folder = CopyHalfPlusTwo();
  SessionBundleConfig config;
  config.set_prefer_tflite_model(true);
  std::unique_ptr<SavedModelBundle> bundle;
  EXPECT_TRUE(Load(config, folder, &bundle).ok());
  AddFile(folder, "model.tflite", "x");
  const absl::Status status = LoadError(config, folder);
  EXPECT_TRUE(absl::IsUnimplemented(status));
  EXPECT_THAT(status.message(), HasSubstr("prefer_tflite_model"));
  EXPECT_TRUE(Load({}, folder, &bundle).ok()) << "nobody asked for the other model";
}

TEST(SavedModelBundleFactoryTest, RefusesToBatchRatherThanNotToDoIt) {
  std::unique_ptr<SavedModelBundleFactory> factory;
  SessionBundleConfig config;
  config.mutable_batching_parameters();
  const absl::Status status = SavedModelBundleFactory::Create(config, &factory);
  EXPECT_TRUE(absl::IsUnimplemented(status));
  EXPECT_THAT(status.message(), HasSubstr("Batching is not implemented"));
  config.Clear();
  config.mutable_in_graph_batching_parameters();
  EXPECT_TRUE(absl::IsUnimplemented(SavedModelBundleFactory::Create(config, &factory)));
  EXPECT_THAT(factory, IsNull());
}

TEST(SavedModelBundleFactoryTest, LoadsModelsWithoutBatchingParametersOfTheirOwn) {
  const std::string folder = CopyHalfPlusTwo();
  SessionBundleConfig config;
  config.mutable_batching_parameters();
  config.set_enable_per_model_batching_params(true);
  std::unique_ptr<SavedModelBundle> bundle;
  EXPECT_TRUE(Load(config, folder, &bundle).ok());
  AddFile(folder, "batching_params.pbtxt", "max_batch_size { value: 2 }");
  EXPECT_TRUE(absl::IsUnimplemented(LoadError(config, folder)));
}

TEST(SavedModelBundleFactoryTest, RestoresInTheThreadPoolAskedFor) {
  SessionBundleConfig config;
  config.mutable_session_config()->add_session_inter_op_thread_pool();
  config.mutable_session_config()->add_session_inter_op_thread_pool();
  config.mutable_session_run_load_threadpool_index()->set_value(1);
  std::unique_ptr<SavedModelBundle> bundle;
  EXPECT_TRUE(Load(config, TestModelFolder("half_plus_two"), &bundle).ok());
  config.mutable_session_run_load_threadpool_index()->set_value(2);
  EXPECT_FALSE(LoadError(config, TestModelFolder("half_plus_two")).ok());
}

TEST(SavedModelBundleFactoryTest, TellsTheSessionItsServableWhenAskedTo) {
  for (const bool enabled : {false, true}) {
    SessionBundleConfig config;
    config.set_enable_session_metadata(enabled);
    std::unique_ptr<SavedModelBundle> bundle;
    ASSERT_TRUE(MakeFactory(config)
                    ->CreateSavedModelBundleWithMetadata({{"half", 3}},
                                                         TestModelFolder("half_plus_two"), &bundle)
                    .ok());
    const SignatureDef& signature = bundle->GetSignatures().at("serving_default");
    std::vector<Tensor> y;
    RunMetadata metadata;
    ASSERT_TRUE(bundle->GetSession()
                    ->Run({}, {{signature.inputs().at("x").name(), Tensor(DT_FLOAT, {1, 1})}},
                          {signature.outputs().at("y").name()}, {}, &y, &metadata)
                    .ok());
    EXPECT_EQ(metadata.session_metadata().name(), enabled ? "half" : "");
    EXPECT_EQ(metadata.session_metadata().version(), enabled ? 3 : 0);
  }
}

TEST(SavedModelBundleFactoryTest, FeedsFixedInputsItself) {
  std::unique_ptr<SavedModelBundle> bundle;
  ASSERT_TRUE(Load({}, TestModelFolder("half_plus_two"), &bundle).ok());
  const SignatureDef signature = bundle->GetSignatures().at("serving_default");
  Tensor x(DT_FLOAT, {1, 1});
  x.flat<float>()(0) = 20;
  SessionBundleConfig config;
  NamedTensorProto* const fixed = config.add_experimental_fixed_input_tensors();
  fixed->set_name(signature.inputs().at("x").name());
  x.AsProtoField(fixed->mutable_tensor());
  ASSERT_TRUE(Load(config, TestModelFolder("half_plus_two"), &bundle).ok());
  std::vector<Tensor> y;
  const absl::Status ran =
      bundle->GetSession()->Run({}, {signature.outputs().at("y").name()}, {}, &y);
  ASSERT_TRUE(ran.ok()) << ran;
  EXPECT_EQ(y.at(0).flat<float>()(0), 12);
  fixed->mutable_tensor()->set_dtype(DT_INVALID);
  EXPECT_TRUE(absl::IsInvalidArgument(LoadError(config, TestModelFolder("half_plus_two"))));
}

TEST(SavedModelBundleFactoryTest, LetsItsConfigurationBeChangedBeforeTheFirstLoad) {
  const std::unique_ptr<SavedModelBundleFactory> factory = MakeFactory({});
  EXPECT_THAT(factory->config().saved_model_tags(), IsEmpty());
  factory->mutable_config().add_saved_model_tags("train");
  EXPECT_EQ(factory->config().saved_model_tags(0), "train");
  std::unique_ptr<SavedModelBundle> bundle;
  EXPECT_TRUE(
      absl::IsNotFound(factory->CreateSavedModelBundle(TestModelFolder("half_plus_two"), &bundle)));
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

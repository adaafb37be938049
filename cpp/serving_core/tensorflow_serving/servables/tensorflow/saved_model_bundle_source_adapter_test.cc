// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/tensorflow/saved_model_bundle_source_adapter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow_serving/model_servers/model_platform_types.h"
#include "tensorflow_serving/model_servers/platform_config_util.h"
#include "tensorflow_serving/servables/tensorflow/test_models.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::AskHalfPlusTwo;
using test_util::BytesBelow;
using test_util::TestModelFolder;
using ::testing::IsNull;
using ::testing::NotNull;

const Loader::Metadata kMetadata = {{"half", 3}};

// The adapter is gone when its loader is used.
std::unique_ptr<Loader> MakeLoader(const SessionBundleConfig& config, const std::string& path) {
  SavedModelBundleSourceAdapterConfig adapter_config;
  *adapter_config.mutable_legacy_config() = config;
  std::unique_ptr<SavedModelBundleSourceAdapter> adapter;
  const absl::Status created = SavedModelBundleSourceAdapter::Create(adapter_config, &adapter);
  EXPECT_TRUE(created.ok()) << created;
  return adapter->AdaptOneVersion(CreateServableData<StoragePath>({"half", 3}, path))
      .ConsumeDataOrDie();
}

uint64_t EstimatedRam(const Loader& loader) {
  ResourceAllocation estimate;
  const absl::Status status = loader.EstimateResources(&estimate);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(estimate.resource_quantities_size(), 1);
  return estimate.resource_quantities(0).quantity();
}

TEST(SavedModelBundleSourceAdapterTest, LoadsAnswersAndUnloads) {
  const std::unique_ptr<Loader> loader = MakeLoader({}, TestModelFolder("half_plus_two"));
  EXPECT_THAT(loader->servable().get<SavedModelBundle>(), IsNull());
  for (int round = 0; round < 2; ++round) {
    const absl::Status loaded = loader->LoadWithMetadata(kMetadata);
    ASSERT_TRUE(loaded.ok()) << loaded;
    EXPECT_EQ(loader->model_type(), ServableModelType::kTensorflow);
    auto* const bundle = loader->servable().get<SavedModelBundle>();
    ASSERT_THAT(bundle, NotNull());
    EXPECT_EQ(*AskHalfPlusTwo(*bundle), 7);
    loader->Unload();
    EXPECT_THAT(loader->servable().get<SavedModelBundle>(), IsNull());
  }
}

TEST(SavedModelBundleSourceAdapterTest, EstimatesTheSameBeforeAndAfterTheLoad) {
  const std::string folder = TestModelFolder("half_plus_two");
  const uint64_t bytes = BytesBelow(folder);
  const std::unique_ptr<Loader> loader = MakeLoader({}, folder);
  EXPECT_EQ(EstimatedRam(*loader), bytes * 12 / 10);
  ASSERT_TRUE(loader->LoadWithMetadata(kMetadata).ok());
  EXPECT_EQ(EstimatedRam(*loader), bytes * 12 / 10);
  loader->Unload();
  EXPECT_EQ(EstimatedRam(*loader), bytes * 12 / 10);
}

TEST(SavedModelBundleSourceAdapterTest, CountsTransientMemoryUntilTheModelIsLoaded) {
  const std::string folder = TestModelFolder("half_plus_two");
  const uint64_t loaded_ram = BytesBelow(folder) * 12 / 10;
  SessionBundleConfig config;
  config.set_experimental_transient_ram_bytes_during_load(5000);
  const std::unique_ptr<Loader> loader = MakeLoader(config, folder);
  EXPECT_EQ(EstimatedRam(*loader), loaded_ram + 5000);
  ASSERT_TRUE(loader->LoadWithMetadata(kMetadata).ok());
  EXPECT_EQ(EstimatedRam(*loader), loaded_ram);
  loader->Unload();
}

TEST(SavedModelBundleSourceAdapterTest, NeitherEstimatesNorLoadsWhatIsNotThere) {
  const std::unique_ptr<Loader> loader = MakeLoader({}, ::testing::TempDir() + "/no/such/model");
  ResourceAllocation estimate;
  EXPECT_TRUE(absl::IsNotFound(loader->EstimateResources(&estimate)));
  EXPECT_TRUE(absl::IsNotFound(loader->LoadWithMetadata(kMetadata)));
  EXPECT_THAT(loader->servable().get<SavedModelBundle>(), IsNull());
}

TEST(SavedModelBundleSourceAdapterTest, NeedsMetadataOnlyToTellTheSession) {
  SessionBundleConfig config;
  std::unique_ptr<Loader> loader = MakeLoader(config, TestModelFolder("half_plus_two"));
  EXPECT_TRUE(loader->Load().ok());
  loader->Unload();
  config.set_enable_session_metadata(true);
  loader = MakeLoader(config, TestModelFolder("half_plus_two"));
  EXPECT_TRUE(absl::IsFailedPrecondition(loader->Load()));
  ASSERT_TRUE(loader->LoadWithMetadata(kMetadata).ok());
  auto* const bundle = loader->servable().get<SavedModelBundle>();
  EXPECT_EQ(*AskHalfPlusTwo(*bundle), 7);
  loader->Unload();
}

TEST(SavedModelBundleSourceAdapterTest, IsNotMadeFromAConfigurationThatCannotBeMet) {
  SavedModelBundleSourceAdapterConfig config;
  config.mutable_legacy_config()->mutable_batching_parameters();
  std::unique_ptr<SavedModelBundleSourceAdapter> adapter;
  EXPECT_TRUE(absl::IsUnimplemented(SavedModelBundleSourceAdapter::Create(config, &adapter)));
  EXPECT_THAT(adapter, IsNull());
}

TEST(PlatformConfigUtilTest, HoldsTheConfigurationOfSavedModels) {
  SessionBundleConfig config;
  config.add_saved_model_tags("serve");
  config.set_mixed_precision("bfloat16");
  const PlatformConfigMap platforms = CreateTensorFlowPlatformConfigMap(config);
  ASSERT_EQ(platforms.platform_configs_size(), 1);
  SavedModelBundleSourceAdapterConfig adapter_config;
  ASSERT_TRUE(platforms.platform_configs()
                  .at(kTensorFlowModelPlatform)
                  .source_adapter_config()
                  .UnpackTo(&adapter_config));
  EXPECT_EQ(adapter_config.legacy_config().SerializeAsString(), config.SerializeAsString());
}

TEST(PlatformConfigUtilTest, LeadsToAnAdapterThroughTheRegistry) {
  const PlatformConfigMap platforms = CreateTensorFlowPlatformConfigMap({});
  std::unique_ptr<StoragePathSourceAdapter> adapter;
  const absl::Status created = StoragePathSourceAdapterRegistry::CreateFromAny(
      platforms.platform_configs().at("tensorflow").source_adapter_config(), &adapter);
  ASSERT_TRUE(created.ok()) << created;
  const std::unique_ptr<Loader> loader = adapter
                                             ->AdaptOneVersion(CreateServableData<StoragePath>(
                                                 {"half", 3}, TestModelFolder("half_plus_two")))
                                             .ConsumeDataOrDie();
  ASSERT_TRUE(loader->LoadWithMetadata(kMetadata).ok());
  EXPECT_EQ(*AskHalfPlusTwo(*loader->servable().get<SavedModelBundle>()), 7);
  loader->Unload();
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

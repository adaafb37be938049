// SPDX-License-Identifier: Apache-2.0
// Models of several platforms out of real folders, through the whole chain below gRPC.
#include "tfserving_remote/server/serving_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "google/protobuf/text_format.h"
#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow_serving/servables/hashmap/hashmap_source_adapter.h"
#include "tfserving_remote/testing/recording_log.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Table = std::unordered_map<std::string, std::string>;

REGISTER_STORAGE_PATH_SOURCE_ADAPTER(tfs::HashmapSourceAdapter, tfs::HashmapSourceAdapterConfig);

absl::StatusOr<std::unique_ptr<tfs::StoragePathSourceAdapter>> MakeTableAdapter() {
  return std::make_unique<tfs::HashmapSourceAdapter>(tfs::HashmapSourceAdapterConfig());
}

/// Knows one version of each model, whose path is the model's base path.
class FixedSource final : public tfs::ModelSource {
 public:
  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override {
    callback_ = std::move(callback);
    Send();
  }
  absl::Status UpdateModels(const tfs::ModelConfigList& models) override {
    models_ = models;
    if (callback_ != nullptr) Send();
    return absl::OkStatus();
  }

 private:
  void Send() {
    for (const tfs::ModelConfig& model : models_.config()) {
      callback_(model.name(),
                {tfs::CreateServableData<tfs::StoragePath>({model.name(), 4}, model.base_path())});
    }
  }

  AspiredVersionsCallback callback_;
  tfs::ModelConfigList models_;
};

class ServingModelsTest : public ::testing::Test {
 protected:
  ServingModelsTest() {
    // One listing is enough then.
    options_.remote_manifest = "ignored";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ + "/table/1");
    std::ofstream(folder_ + "/table/1/table.csv") << "one,eins\ntwo,zwei\n";
  }
  ~ServingModelsTest() override {
    models_.reset();
    std::filesystem::remove_all(folder_);
  }

  absl::Status Create() {
    absl::StatusOr<std::unique_ptr<ServingModels>> models = ServingModels::Create(
        options_, extensions_, 2, Clock::Real(), log_, [](const tfs::ServableState&) {});
    if (models.ok()) models_ = *std::move(models);
    return models.status();
  }
  /// Applies the models and waits for those that are new.
  absl::Status Serve(const std::string& text) {
    tfs::ModelServerConfig config;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        absl::StrCat("model_config_list { ", text, " }"), &config));
    std::vector<tfs::ServableRequest> new_models;
    const absl::Status status = models_->core().ApplyConfig(config, &new_models);
    if (!status.ok()) return status;
    return models_->core().AwaitModels(new_models, absl::InfiniteFuture());
  }
  static std::string SavedModel(const std::string& name = "m") {
    return absl::StrCat("config { name: '", name, "' model_platform: 'tensorflow' base_path: '",
                        TFSR_TEST_MODELS, "/half_plus_two' } ");
  }
  std::string TableModel(const std::string& base_path) {
    return absl::StrCat("config { name: 't' model_platform: 'hashmap' base_path: '", base_path,
                        "' } ");
  }
  template <typename T>
  absl::Status Find(const std::string& model, tfs::ServableHandle<T>* handle) {
    tfs::ModelSpec spec;
    spec.set_name(model);
    return models_->core().GetServableHandle(spec, handle);
  }
  void ExpectTableIsServed(int64_t version) {
    tfs::ServableHandle<Table> table;
    const absl::Status found = Find("t", &table);
    ASSERT_TRUE(found.ok()) << found;
    EXPECT_EQ(table.id().version, version);
    EXPECT_EQ(table->at("two"), "zwei");
  }

  const std::string folder_ =
      absl::StrCat(::testing::TempDir(), "/serving_models_",
                   ::testing::UnitTest::GetInstance()->current_test_info()->name());
  ServerOptions options_;
  ServerExtensions extensions_;
  RecordingLog log_;
  std::unique_ptr<ServingModels> models_;
};

TEST_F(ServingModelsTest, ServesAnotherPlatformOutOfAStoreBesideSavedModels) {
  extensions_.platforms.push_back({"hashmap", &MakeTableAdapter, nullptr});
  ASSERT_TRUE(Create().ok());
  const absl::Status served = Serve(SavedModel() + TableModel(folder_ + "/table"));
  ASSERT_TRUE(served.ok()) << served;
  ExpectTableIsServed(1);
  tfs::ServableHandle<tensorflow::SavedModelBundle> bundle;
  EXPECT_TRUE(Find("m", &bundle).ok());
  EXPECT_EQ(Find("t", &bundle),
            absl::InvalidArgumentError("Servable type doesn't match the asked for type."));

  // Gone with its configuration, while the other stays.
  ASSERT_TRUE(Serve(SavedModel()).ok());
  EXPECT_TRUE(models_->core().servable_state_monitor()->WaitUntilServablesReachState(
      {tfs::ServableRequest::Specific("t", 1)}, tfs::ServableState::ManagerState::kEnd));
  EXPECT_TRUE(Find("m", &bundle).ok());
}

TEST_F(ServingModelsTest, APlatformMayBringItsOwnSource) {
  extensions_.platforms.push_back(
      {"hashmap", &MakeTableAdapter, [] { return std::make_unique<FixedSource>(); }});
  ASSERT_TRUE(Create().ok());
  const absl::Status served = Serve(SavedModel() + TableModel(folder_ + "/table/1/table.csv"));
  ASSERT_TRUE(served.ok()) << served;
  ExpectTableIsServed(4);
}

TEST_F(ServingModelsTest, PlatformsOfTheFileComeFromTheRegistry) {
  options_.platform_config_file = folder_ + "/platforms.config";
  std::ofstream(options_.platform_config_file) << R"(
      platform_configs { key: "hashmap" value { source_adapter_config {
        [type.googleapis.com/tensorflow.serving.HashmapSourceAdapterConfig] { } } } })";
  ASSERT_TRUE(Create().ok());
  const absl::Status served = Serve(SavedModel() + TableModel(folder_ + "/table"));
  ASSERT_TRUE(served.ok()) << served;
  ExpectTableIsServed(1);
}

TEST_F(ServingModelsTest, APlatformOfTheFileHasToSayWhatItIsMadeFrom) {
  options_.platform_config_file = folder_ + "/platforms.config";
  std::ofstream(options_.platform_config_file) << "platform_configs { key: 'hashmap' value { } }";
  ASSERT_TRUE(Create().ok());
  const absl::Status status = Serve(SavedModel());
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()),
              StartsWith("Platform hashmap: --platform_config_file gives it no"));
}

TEST_F(ServingModelsTest, RefusesPlatformsThatCannotBe) {
  extensions_.platforms = {{"hashmap", &MakeTableAdapter, nullptr},
                           {"hashmap", &MakeTableAdapter, nullptr}};
  EXPECT_EQ(Create(), absl::InvalidArgumentError("Platform hashmap is there twice"));
  extensions_.platforms = {{"hashmap", nullptr, nullptr}};
  EXPECT_TRUE(absl::IsInvalidArgument(Create()));
  extensions_ = {};
  extensions_.aspired_version_policy = [] { return nullptr; };
  EXPECT_TRUE(absl::IsInvalidArgument(Create()));
  extensions_ = {};
  options_.platform_config_file = folder_ + "/nowhere.config";
  EXPECT_TRUE(absl::IsNotFound(Create()));
}

TEST_F(ServingModelsTest, AVersionThatDoesNotFitIntoMemoryWaitsForAnotherToGo) {
  int64_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(
           std::string(TFSR_TEST_MODELS) + "/half_plus_two/1")) {
    if (file.is_regular_file()) bytes += static_cast<int64_t>(file.file_size());
  }
  options_.total_model_memory_limit_bytes = bytes * 2;  // of 1.2 each
  ASSERT_TRUE(Create().ok());
  ASSERT_TRUE(Serve(SavedModel("m")).ok());
  const absl::Status status = Serve(SavedModel("m") + SavedModel("n"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnknown);
  EXPECT_THAT(std::string(status.message()), HasSubstr("RESOURCE_EXHAUSTED"));

  const auto there = std::make_shared<absl::Notification>();
  models_->core().servable_state_monitor()->Notify([there](const tfs::ServableState& state) {
    if (state.manager_state == tfs::ServableState::ManagerState::kAvailable) there->Notify();
  });
  ASSERT_TRUE(Serve(SavedModel("n")).ok());
  there->WaitForNotification();
  tfs::ServableHandle<tensorflow::SavedModelBundle> bundle;
  EXPECT_TRUE(Find("n", &bundle).ok());
}

TEST_F(ServingModelsTest, KnowsWhyAModelHasNoVersion) {
  ASSERT_TRUE(Create().ok());
  EXPECT_EQ(models_->WhyNoVersion("m"), "");
  tfs::ModelServerConfig config;
  tfs::ModelConfig* const model = config.mutable_model_config_list()->add_config();
  model->set_name("m");
  model->set_base_path(folder_ + "/empty");
  model->set_model_platform("tensorflow");
  std::vector<tfs::ServableRequest> new_models;
  ASSERT_TRUE(models_->core().ApplyConfig(config, &new_models).ok());
  EXPECT_THAT(models_->WhyNoVersion("m"), HasSubstr(folder_ + "/empty"));
  EXPECT_EQ(models_->WhyNoVersion("n"), "");
}

}  // namespace
}  // namespace tfserving_remote

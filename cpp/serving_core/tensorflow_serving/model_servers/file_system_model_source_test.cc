// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/model_servers/file_system_model_source.h"

#include <cstdlib>
#include <filesystem>

#include "tensorflow_serving/model_servers/server_core.h"
#include "tensorflow_serving/model_servers/test_util/server_core_test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::Fails;
using test_util::ListOfModels;
using test_util::Spec;
using ManagerState = ServableState::ManagerState;

// A core that polls real folders.
class FileSystemModelSourceTest : public test_util::ServerCoreTestBase {
 protected:
  void SetUp() override {
    ServerCoreTestBase::SetUp();
    std::string pattern = ::testing::TempDir() + "models_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override {
    core_.reset();
    std::filesystem::remove_all(root_);
  }

  void AddVersion(const std::string& model, int64_t version) const {
    std::filesystem::create_directories(root_ / model / std::to_string(version));
  }
  ModelConfig ModelInFolder(const std::string& name) const {
    ModelConfig model = test_util::Model(name);
    model.set_base_path((root_ / name).string());
    return model;
  }
  ServerCore::Options PollingOptions(const ModelServerConfig& config) const {
    ServerCore::Options options = MakeOptions(config);
    options.model_source_creator = nullptr;
    options.file_system_poll_wait_seconds = 1;
    return options;
  }
  std::string Loaded(const std::string& model, int64_t version) const {
    return absl::StrCat("hello:", (root_ / model / std::to_string(version)).string());
  }

  std::filesystem::path root_;
};

TEST_F(FileSystemModelSourceTest, ServesWhatIsInTheFolderAndFollowsIt) {
  AddVersion("m", 1);
  AddVersion("m", 2);
  ASSERT_TRUE(ServerCore::Create(PollingOptions(ListOfModels({ModelInFolder("m")})), &core_).ok());
  EXPECT_EQ(Ask(Spec("m")), Loaded("m", 2));
  AddVersion("m", 3);
  AwaitState({"m", 3}, ManagerState::kAvailable);
  AwaitState({"m", 2}, ManagerState::kEnd);
  EXPECT_EQ(Ask(Spec("m")), Loaded("m", 3));
}

TEST_F(FileSystemModelSourceTest, ChangesTheVersionPolicyOfAModelThatServes) {
  for (const int64_t version : {1, 2, 3}) AddVersion("m", version);
  ModelConfig model = ModelInFolder("m");
  ASSERT_TRUE(ServerCore::Create(PollingOptions(ListOfModels({model})), &core_).ok());
  model.mutable_model_version_policy()->mutable_specific()->add_versions(1);
  model.mutable_model_version_policy()->mutable_specific()->add_versions(2);
  ASSERT_TRUE(core_->ReloadConfig(ListOfModels({model})).ok());
  test_util::WaitUntilVersionsAvailable(*core_->servable_state_monitor(), "m", {1, 2});
  EXPECT_EQ(Ask(Spec("m", 1)), Loaded("m", 1));
}

TEST_F(FileSystemModelSourceTest, FindsAModelThatAReloadAdds) {
  AddVersion("m", 1);
  AddVersion("n", 5);
  ASSERT_TRUE(ServerCore::Create(PollingOptions(ListOfModels({ModelInFolder("m")})), &core_).ok());
  ASSERT_TRUE(core_->ReloadConfig(ListOfModels({ModelInFolder("m"), ModelInFolder("n")})).ok());
  EXPECT_EQ(Ask(Spec("n")), Loaded("n", 5));
}

TEST_F(FileSystemModelSourceTest, RefusesAModelWithoutVersionsWhenToldTo) {
  AddVersion("m", 1);
  std::filesystem::create_directories(root_ / "empty");
  ServerCore::Options options = PollingOptions(ListOfModels({ModelInFolder("m")}));
  options.servable_versions_always_present = true;
  ASSERT_TRUE(ServerCore::Create(std::move(options), &core_).ok());
  EXPECT_THAT(core_->ReloadConfig(ListOfModels({ModelInFolder("empty")})),
              Fails(absl::StatusCode::kNotFound,
                    "Unable to find a numerical version path for servable empty at: "));
  EXPECT_EQ(Ask(Spec("m")), Loaded("m", 1));
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/model_servers/server_core.h"

#include "google/protobuf/wrappers.pb.h"
#include "tensorflow_serving/core/test_util/test_support.h"
#include "tensorflow_serving/model_servers/test_util/server_core_test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::Fails;
using test_util::ListOfModels;
using test_util::Model;
using test_util::Spec;
using test_util::SpecOfLabel;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ManagerState = ServableState::ManagerState;

class ServerCoreTest : public test_util::ServerCoreTestBase {};

TEST_F(ServerCoreTest, ServesModelsOfSeveralPlatformsSideBySide) {
  ModelConfig other = Model("o");
  other.set_model_platform("other");
  Aspire("m", {1, 2});
  Aspire("o", {7});
  ASSERT_TRUE(Create(ListOfModels({Model("m"), other})).ok());
  EXPECT_EQ(Ask(Spec("m")), "hello:/models/m/2");
  EXPECT_EQ(Ask(Spec("m", 1)), "hello:/models/m/1");
  ServableHandle<Servable> handle;
  ASSERT_TRUE(core_->GetServableHandle(Spec("o"), &handle).ok());
  EXPECT_EQ(handle->name(), "o");
  EXPECT_EQ(handle->version(), 7);
  EXPECT_THAT(core_->ListAvailableServableIds(), SizeIs(3));
  EXPECT_THAT(core_->GetAvailableServableHandles<Servable>(), SizeIs(1));
}

TEST_F(ServerCoreTest, FindsServablesByServableRequestToo) {
  Aspire("m", {1, 2});
  ASSERT_TRUE(Create(ListOfModels({Model("m")})).ok());
  ServableHandle<std::string> handle;
  ASSERT_TRUE(core_->GetServableHandle(ServableRequest::Earliest("m"), &handle).ok());
  EXPECT_EQ(*handle, "hello:/models/m/1");
}

TEST_F(ServerCoreTest, BeginsWithoutModelsWhenTheConfigIsEmpty) {
  ASSERT_TRUE(Create(ModelServerConfig()).ok());
  EXPECT_THAT(core_->ListAvailableServableIds(), IsEmpty());
  EXPECT_THAT(Ask(Spec("m")), HasSubstr("NOT_FOUND: Servable not found for request: Latest(m)"));
  EXPECT_THAT(Ask(SpecOfLabel("m", "stable")),
              HasSubstr("UNAVAILABLE: Model labels does not init yet.stable"));
}

TEST_F(ServerCoreTest, SaysWhichVersionsServeWhenTheOneAskedForDoesNot) {
  Aspire("m", {1, 2});
  ASSERT_TRUE(Create(ListOfModels({Model("m")})).ok());
  EXPECT_EQ(Ask(Spec("m", 3)),
            "NOT_FOUND: Servable not found for request: Specific(m, 3); versions served: 1, 2");
  EXPECT_EQ(Ask(Spec("m", 0)),
            "NOT_FOUND: Servable not found for request: Specific(m, 0); versions served: 1, 2");
  EXPECT_EQ(Ask(Spec("n")),
            "NOT_FOUND: Servable not found for request: Latest(n); "
            "versions served: none (GetModelStatus says why)");
}

TEST_F(ServerCoreTest, RefusesRequestsThatCannotBeMeant) {
  Aspire("m", {1});
  ASSERT_TRUE(Create(ListOfModels({Model("m")})).ok());
  EXPECT_EQ(Ask(ModelSpec()), "INVALID_ARGUMENT: ModelSpec has no name specified.");
  ServableHandle<int> handle;
  EXPECT_THAT(
      core_->GetServableHandle(Spec("m"), &handle),
      Fails(absl::StatusCode::kInvalidArgument, "Servable type doesn't match the asked for type."));
}

TEST_F(ServerCoreTest, LeavesACoreThatCanBeAskedWhenAModelFails) {
  Aspire("m", {1});
  loads().FailWith("/models/m/1", absl::DataLossError("half of it is missing"));
  EXPECT_THAT(Create(ListOfModels({Model("m")})),
              Fails(absl::StatusCode::kUnknown,
                    "1 model(s) did not become available: {{name: m version: 1} due to error: "
                    "DATA_LOSS: half of it is missing}, }"));
  ASSERT_NE(core_, nullptr);
  const auto state = core_->servable_state_monitor()->GetState({"m", 1});
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->manager_state, ManagerState::kEnd);
  EXPECT_TRUE(absl::IsDataLoss(state->health));
}

TEST_F(ServerCoreTest, RefusesOptionsThatCannotBe) {
  ServerCore::Options no_policy = MakeOptions();
  no_policy.aspired_version_policy = nullptr;
  EXPECT_TRUE(absl::IsInvalidArgument(ServerCore::Create(std::move(no_policy), &core_)));
  ServerCore::Options negative = MakeOptions();
  negative.num_load_threads = -1;
  EXPECT_TRUE(absl::IsInvalidArgument(ServerCore::Create(std::move(negative), &core_)));
  ServerCore::Options relative_root = MakeOptions();
  relative_root.model_config_list_root_dir = "models";
  EXPECT_THAT(ServerCore::Create(std::move(relative_root), &core_),
              Fails(absl::StatusCode::kInvalidArgument, "got models"));
  EXPECT_EQ(core_, nullptr);
}

TEST_F(ServerCoreTest, TellsWhichPlatformHasABadConfig) {
  ServerCore::Options options = MakeOptions(ListOfModels({Model("m")}));
  options.platform_config_map = test_util::TwoPlatforms(/*greeting=*/"");
  EXPECT_THAT(ServerCore::Create(std::move(options), &core_),
              Fails(absl::StatusCode::kInvalidArgument, "Platform text: A greeting is needed"));
}

TEST_F(ServerCoreTest, JoinsTheRootDirAndPutsThePrefixInFrontOfWhatIsLoaded) {
  ModelConfig relative = Model("r");
  relative.set_base_path("sub/r");
  ServerCore::Options options = MakeOptions(ListOfModels({Model("m"), relative}));
  options.model_config_list_root_dir = "gs://models";
  options.storage_path_prefix = "/mnt";
  Aspire("m", {1});
  Aspire("r", {1});
  ASSERT_TRUE(ServerCore::Create(std::move(options), &core_).ok());
  EXPECT_EQ(Ask(Spec("m")), "hello:/mnt/models/m/1");
  EXPECT_EQ(Ask(Spec("r")), "hello:/mnt/gs://models/sub/r/1");
}

TEST_F(ServerCoreTest, UsesTheAdaptersAndTheMonitorItIsGiven) {
  ServerCore::Options options = MakeOptions(ListOfModels({Model("m")}));
  std::vector<std::string> platforms;
  options.source_adapter_creator = [&](const std::string& platform,
                                       const google::protobuf::Any& config, auto* adapter) {
    platforms.push_back(platform);
    return StoragePathSourceAdapterRegistry::CreateFromAny(config, adapter);
  };
  ServableStateMonitor* made = nullptr;
  options.servable_state_monitor_creator = [&](EventBus<ServableState>* bus,
                                               std::unique_ptr<ServableStateMonitor>* monitor) {
    *monitor = std::make_unique<ServableStateMonitor>(bus);
    made = monitor->get();
    return absl::OkStatus();
  };
  Aspire("m", {1});
  ASSERT_TRUE(ServerCore::Create(std::move(options), &core_).ok());
  EXPECT_THAT(platforms, ElementsAre("other", "text"));
  EXPECT_EQ(core_->servable_state_monitor(), made);
}

TEST_F(ServerCoreTest, PassesOnWhatItsCreatorsSay) {
  ServerCore::Options no_source = MakeOptions(ListOfModels({Model("m")}));
  no_source.model_source_creator = [](auto*) { return absl::UnavailableError("no source today"); };
  EXPECT_THAT(ServerCore::Create(std::move(no_source), &core_),
              Fails(absl::StatusCode::kUnavailable, "no source today"));
  ServerCore::Options no_monitor = MakeOptions();
  no_monitor.servable_state_monitor_creator = [](auto*, auto*) {
    return absl::UnavailableError("no monitor today");
  };
  EXPECT_THAT(ServerCore::Create(std::move(no_monitor), &core_),
              Fails(absl::StatusCode::kUnavailable, "no monitor today"));
}

TEST_F(ServerCoreTest, CallsThePreLoadHookAndAsksWhetherToRetry) {
  ServerCore::Options options = MakeOptions(ListOfModels({Model("m")}));
  std::vector<std::string> hooked;
  options.pre_load_hook = [&](const ServableId& id) { hooked.push_back(id.DebugString()); };
  options.max_num_load_retries = 5;
  options.should_retry_model_load = [](absl::Status) { return false; };
  Aspire("m", {1});
  loads().FailWith("/models/m/1", absl::UnavailableError("not now"));
  EXPECT_FALSE(ServerCore::Create(std::move(options), &core_).ok());
  EXPECT_THAT(hooked, ElementsAre("{name: m version: 1}"));
  EXPECT_EQ(loads().num_loads("/models/m/1"), 1);
}

TEST_F(ServerCoreTest, RefusesAModelForWhichThereIsNotEnoughMemory) {
  loads().SetRamBytes("/models/small/1", 60);
  loads().SetRamBytes("/models/large/1", 101);
  Aspire("small", {1});
  Aspire("large", {1});
  ServerCore::Options options = MakeOptions(ListOfModels({Model("small")}));
  options.total_model_memory_limit_bytes = 100;
  ASSERT_TRUE(ServerCore::Create(std::move(options), &core_).ok());
  EXPECT_THAT(core_->ReloadConfig(ListOfModels({Model("small"), Model("large")})),
              Fails(absl::StatusCode::kUnknown, "RESOURCE_EXHAUSTED"));
  EXPECT_EQ(Ask(Spec("small")), "hello:/models/small/1");
}

TEST_F(ServerCoreTest, AsksNoModelForItsSizeWithoutALimit) {
  Aspire("m", {1});
  ASSERT_TRUE(Create(ListOfModels({Model("m")})).ok());
  EXPECT_EQ(loads().num_estimates(), 0);
}

TEST_F(ServerCoreTest, TellsWhatTheServerAroundItIsToDo) {
  ServerCore::Options options = MakeOptions();
  options.enable_cors_support = true;
  using Option = internal::PredictResponseTensorSerializationOption;
  options.predict_response_tensor_serialization_option = Option::kAsProtoContent;
  ASSERT_TRUE(ServerCore::Create(std::move(options), &core_).ok());
  EXPECT_TRUE(core_->enable_cors_support());
  EXPECT_EQ(core_->predict_response_tensor_serialization_option(), Option::kAsProtoContent);
}

// A source of loaders that a custom config makes.
class OneVersionSource final : public Source<std::unique_ptr<Loader>> {
 public:
  explicit OneVersionSource(const std::string& name) : name_(name) {}
  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override {
    callback(name_, test_util::ListOf(test_util::MakeVersion(name_, 5)));
  }

 private:
  const std::string name_;
};

class CustomConfigTest : public ServerCoreTest {
 protected:
  static ModelServerConfig CustomConfig(const std::string& name) {
    google::protobuf::StringValue value;
    value.set_value(name);
    ModelServerConfig config;
    config.mutable_custom_model_config()->PackFrom(value);
    return config;
  }

  ServerCore::Options OptionsWithLoader() {
    ServerCore::Options options = MakeOptions(CustomConfig("custom"));
    options.custom_model_config_loader = [this](
                                             const google::protobuf::Any& any,
                                             EventBus<ServableState>* bus,
                                             UniquePtrWithDeps<AspiredVersionsManager>* manager) {
      ++num_calls_;
      google::protobuf::StringValue name;
      if (bus == nullptr || !any.UnpackTo(&name)) return absl::InternalError("not as promised");
      auto* const source = manager->AddDependency(std::make_unique<OneVersionSource>(name.value()));
      ConnectSourceToTarget<std::unique_ptr<Loader>>(source, manager->get());
      return absl::OkStatus();
    };
    return options;
  }

  int num_calls_ = 0;
};

TEST_F(CustomConfigTest, LeavesACustomConfigToItsLoader) {
  ASSERT_TRUE(ServerCore::Create(OptionsWithLoader(), &core_).ok());
  AwaitState({"custom", 5}, ManagerState::kAvailable);
  ServableHandle<int64_t> handle;
  ASSERT_TRUE(core_->GetServableHandle(Spec("custom"), &handle).ok());
  EXPECT_EQ(*handle, 5);
  EXPECT_THAT(Ask(SpecOfLabel("custom", "stable")),
              HasSubstr("INVALID_ARGUMENT: Unrecognized servable version label: stable"));
}

TEST_F(CustomConfigTest, AcceptsOnlyTheSameCustomConfigAgainAndDoesNothingThen) {
  ASSERT_TRUE(ServerCore::Create(OptionsWithLoader(), &core_).ok());
  EXPECT_TRUE(core_->ReloadConfig(CustomConfig("custom")).ok());
  EXPECT_EQ(num_calls_, 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(core_->ReloadConfig(CustomConfig("another"))));
  EXPECT_TRUE(absl::IsFailedPrecondition(core_->ReloadConfig(ListOfModels({Model("m")}))));
  EXPECT_EQ(num_calls_, 1);
}

TEST_F(CustomConfigTest, RefusesACustomConfigWithoutItsLoader) {
  EXPECT_THAT(Create(CustomConfig("custom")),
              Fails(absl::StatusCode::kInvalidArgument,
                    "ModelServer does not yet support custom model config"));
  // It left nothing behind.
  Aspire("m", {1});
  EXPECT_TRUE(core_->ReloadConfig(ListOfModels({Model("m")})).ok());
}

// What a test of something that uses a ServerCore does.
class CannedCore final : public ServerCore {
 public:
  CannedCore() : ServerCore(Options()) {}
  absl::Status ReloadConfig(const ModelServerConfig&) override {
    return absl::UnavailableError("canned");
  }
};

TEST(DerivedServerCoreTest, CanBeMadeWithoutAManager) {
  CannedCore core;
  EXPECT_TRUE(absl::IsUnavailable(core.ReloadConfig(ModelServerConfig())));
  EXPECT_THAT(core.ListAvailableServableIds(), IsEmpty());
  EXPECT_EQ(core.servable_state_monitor(), nullptr);
  ServableHandle<Servable> handle;
  EXPECT_TRUE(absl::IsFailedPrecondition(core.GetServableHandle(Spec("m"), &handle)));
  std::vector<ServableRequest> models;
  EXPECT_TRUE(absl::IsFailedPrecondition(core.ApplyConfig(ModelServerConfig(), &models)));
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "absl/synchronization/notification.h"
#include "google/protobuf/wrappers.pb.h"
#include "tensorflow_serving/model_servers/server_core.h"
#include "tensorflow_serving/model_servers/test_util/server_core_test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::Fails;
using test_util::ListOfModels;
using test_util::Model;
using test_util::Spec;
using test_util::SpecOfLabel;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ManagerState = ServableState::ManagerState;

class ServerCoreReloadTest : public test_util::ServerCoreTestBase {
 protected:
  // A core that serves version 1 of `m`, to which the label "stable" points.
  void SetUp() override {
    ServerCoreTestBase::SetUp();
    Aspire("m", {1});
    ASSERT_TRUE(Create(ListOfModels({Model("m", {{"stable", 1}})})).ok());
  }

  void ExpectNothingHasChanged() {
    EXPECT_EQ(Ask(Spec("m")), "hello:/models/m/1");
    EXPECT_EQ(Ask(SpecOfLabel("m", "stable")), "hello:/models/m/1");
    EXPECT_THAT(core_->ListAvailableServableIds(), SizeIs(1));
  }
};

TEST_F(ServerCoreReloadTest, AddsAndRemovesModels) {
  Aspire("n", {4});
  ASSERT_TRUE(core_->ReloadConfig(ListOfModels({Model("n")})).ok());
  EXPECT_EQ(Ask(Spec("n")), "hello:/models/n/4");
  AwaitState({"m", 1}, ManagerState::kEnd);
  EXPECT_THAT(Ask(Spec("m")), HasSubstr("NOT_FOUND"));
  ASSERT_TRUE(core_->ReloadConfig(ListOfModels({})).ok());
  AwaitState({"n", 4}, ManagerState::kEnd);
  EXPECT_EQ(loads().num_loaded(), 0);
}

TEST_F(ServerCoreReloadTest, FollowsTheSourceToNewVersionsWithoutAReload) {
  Aspire("m", {2});
  AwaitState({"m", 1}, ManagerState::kEnd);
  EXPECT_EQ(Ask(Spec("m")), "hello:/models/m/2");
}

TEST_F(ServerCoreReloadTest, OnlyAListOfModelsMayFollowAListOfModels) {
  ModelServerConfig custom;
  custom.mutable_custom_model_config()->PackFrom(google::protobuf::StringValue());
  for (const ModelServerConfig& config : {custom, ModelServerConfig()}) {
    EXPECT_THAT(core_->ReloadConfig(config),
                Fails(absl::StatusCode::kFailedPrecondition,
                      "Cannot transition to requested config. It is only legal to transition from "
                      "one ModelConfigList to another."));
  }
  ExpectNothingHasChanged();
}

TEST_F(ServerCoreReloadTest, RefusesToChangeAModelsPlatform) {
  ModelConfig other = Model("m");
  other.set_model_platform("other");
  EXPECT_THAT(core_->ReloadConfig(ListOfModels({other, Model("n")})),
              Fails(absl::StatusCode::kInvalidArgument,
                    "Illegal to change a model's platform. For model m platform was text and new "
                    "platform requested is other"));
  ExpectNothingHasChanged();
  // Under way of a list without it, it may come back as anything.
  ASSERT_TRUE(core_->ReloadConfig(ListOfModels({})).ok());
  AwaitState({"m", 1}, ManagerState::kEnd);
  ASSERT_TRUE(core_->ReloadConfig(ListOfModels({other})).ok());
  ServableHandle<Servable> handle;
  EXPECT_TRUE(core_->GetServableHandle(Spec("m"), &handle).ok());
}

TEST_F(ServerCoreReloadTest, ChangesNothingWhenAnyModelOfTheListIsWrong) {
  ModelConfig relative = Model("n");
  relative.set_base_path("models/n");
  EXPECT_THAT(core_->ReloadConfig(ListOfModels({relative})),
              Fails(absl::StatusCode::kInvalidArgument,
                    "Expected model n to have an absolute path or URI; got base_path()=models/n"));
  ExpectNothingHasChanged();
}

TEST_F(ServerCoreReloadTest, ChangesNothingWhenTheSourceRefusesTheList) {
  Aspire("n", {1});
  RefuseUpdatesWith(absl::InvalidArgumentError("no such bucket"));
  EXPECT_THAT(core_->ReloadConfig(ListOfModels({Model("m", {{"canary", 1}}), Model("n")})),
              Fails(absl::StatusCode::kInvalidArgument, "no such bucket"));
  ExpectNothingHasChanged();
  EXPECT_THAT(Ask(SpecOfLabel("m", "canary")), HasSubstr("Unrecognized servable version label"));
  RefuseUpdatesWith(absl::OkStatus());
  std::vector<ServableRequest> new_models;
  // "n" is as new as it was before.
  ASSERT_TRUE(core_->ApplyConfig(ListOfModels({Model("n")}), &new_models).ok());
  EXPECT_THAT(new_models, SizeIs(1));
  EXPECT_TRUE(core_->AwaitModels(new_models, absl::InfiniteFuture()).ok());
}

TEST_F(ServerCoreReloadTest, AppliesWithoutWaitingAndTellsWhichModelsAreNew) {
  loads().Hold("/models/n/1");
  Aspire("n", {1});
  std::vector<ServableRequest> new_models;
  ASSERT_TRUE(core_->ApplyConfig(ListOfModels({Model("m"), Model("n")}), &new_models).ok());
  ASSERT_THAT(new_models, SizeIs(1));
  EXPECT_EQ(new_models[0].DebugString(), "Latest(n)");
  loads().AwaitHeld("/models/n/1");
  EXPECT_THAT(Ask(Spec("n")), HasSubstr("NOT_FOUND"));
  loads().Release("/models/n/1");
  ASSERT_TRUE(core_->AwaitModels(new_models, absl::InfiniteFuture()).ok());
  EXPECT_EQ(Ask(Spec("n")), "hello:/models/n/1");
}

TEST_F(ServerCoreReloadTest, NamesTheModelsThatAreMissingAtTheDeadline) {
  loads().Hold("/models/n/3");
  Aspire("n", {3});
  std::vector<ServableRequest> new_models;
  ASSERT_TRUE(
      core_->ApplyConfig(ListOfModels({Model("m"), Model("n"), Model("empty")}), &new_models).ok());
  loads().AwaitHeld("/models/n/3");
  EXPECT_THAT(
      core_->AwaitModels(new_models, absl::InfinitePast()),
      AllOf(Fails(absl::StatusCode::kDeadlineExceeded,
                  "2 model(s) did not become available in time: "),
            Fails(absl::StatusCode::kDeadlineExceeded, "{name: n version: 3} so far: Loading"),
            Fails(absl::StatusCode::kDeadlineExceeded,
                  "{name: empty} so far: no version was found yet")));
  loads().Release("/models/n/3");
}

TEST_F(ServerCoreReloadTest, DoesNotKeepOneReloadWaitingForTheModelsOfAnother) {
  loads().Hold("/models/slow/1");
  Aspire("slow", {1});
  Aspire("quick", {1});
  absl::Status slow_status;
  std::thread slow_reload([&] {
    slow_status = core_->ReloadConfig(ListOfModels({Model("m"), Model("slow")}));
  });
  loads().AwaitHeld("/models/slow/1");
  EXPECT_TRUE(core_->ReloadConfig(ListOfModels({Model("m"), Model("slow"), Model("quick")})).ok());
  EXPECT_EQ(Ask(Spec("quick")), "hello:/models/quick/1");
  EXPECT_THAT(Ask(Spec("slow")), HasSubstr("NOT_FOUND"));
  loads().Release("/models/slow/1");
  slow_reload.join();
  EXPECT_TRUE(slow_status.ok()) << slow_status;
}

TEST_F(ServerCoreReloadTest, EndsTheWaitForAModelThatAnotherReloadRemoves) {
  std::vector<ServableRequest> new_models;
  ASSERT_TRUE(core_->ApplyConfig(ListOfModels({Model("m"), Model("empty")}), &new_models).ok());
  absl::Status status;
  std::thread wait([&] { status = core_->AwaitModels(new_models, absl::InfiniteFuture()); });
  EXPECT_TRUE(core_->ReloadConfig(ListOfModels({Model("m")})).ok());
  wait.join();
  EXPECT_THAT(status, Fails(absl::StatusCode::kUnknown,
                            "1 model(s) did not become available: {{name: empty} due to error: "
                            "NOT_FOUND: it is not in the configuration any more}, }"));
}

TEST_F(ServerCoreReloadTest, DoesNotJudgeAModelThatComesBackByItsPast) {
  loads().FailWith("/models/n/1", absl::DataLossError("torn"));
  Aspire("n", {1});
  EXPECT_TRUE(absl::IsUnknown(core_->ReloadConfig(ListOfModels({Model("m"), Model("n")}))));
  ASSERT_TRUE(core_->ReloadConfig(ListOfModels({Model("m")})).ok());
  loads().FailWith("/models/n/1", absl::OkStatus());
  EXPECT_TRUE(core_->ReloadConfig(ListOfModels({Model("m"), Model("n")})).ok());
  EXPECT_EQ(Ask(Spec("n")), "hello:/models/n/1");
}

TEST_F(ServerCoreReloadTest, IsContentWithAnyVersionThatServes) {
  Aspire("n", {1, 2});
  loads().Hold("/models/n/1");
  loads().Hold("/models/n/2");
  loads().FailWith("/models/n/2", absl::DataLossError("torn"));
  std::vector<ServableRequest> new_models;
  ASSERT_TRUE(core_->ApplyConfig(ListOfModels({Model("m"), Model("n")}), &new_models).ok());
  loads().AwaitHeld("/models/n/1");
  loads().AwaitHeld("/models/n/2");
  loads().Release("/models/n/2");
  AwaitState({"n", 2}, ManagerState::kEnd);
  EXPECT_TRUE(absl::IsDeadlineExceeded(core_->AwaitModels(new_models, absl::InfinitePast())));
  loads().Release("/models/n/1");
  EXPECT_TRUE(core_->AwaitModels(new_models, absl::InfiniteFuture()).ok());
}

TEST_F(ServerCoreReloadTest, DoesNotWaitForModelsThatWereThereBefore) {
  loads().Hold("/models/m/2");
  Aspire("m", {2});
  loads().AwaitHeld("/models/m/2");
  EXPECT_TRUE(core_->ReloadConfig(ListOfModels({Model("m")})).ok());
  EXPECT_EQ(Ask(Spec("m")), "hello:/models/m/1");
  loads().Release("/models/m/2");
}

class ServerCoreStartTest : public test_util::ServerCoreTestBase {};

TEST_F(ServerCoreStartTest, LoadsTheFirstModelsOnMoreThreads) {
  ServerCore::Options options = MakeOptions(ListOfModels({Model("a"), Model("b")}));
  options.num_load_threads = 0;
  options.num_initial_load_threads = 2;
  for (const std::string name : {"a", "b"}) {
    Aspire(name, {1});
    loads().Hold("/models/" + name + "/1");
  }
  absl::Status status;
  std::thread create([&] { status = ServerCore::Create(std::move(options), &core_); });
  // Both at once.
  loads().AwaitHeld("/models/a/1");
  loads().AwaitHeld("/models/b/1");
  loads().Release("/models/a/1");
  loads().Release("/models/b/1");
  create.join();
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(ServerCoreStartTest, GivesUpWaitingWhenTheTimeIsOverAndGoesOnLoading) {
  ServerCore::Options options = MakeOptions(ListOfModels({Model("m")}));
  options.servable_state_waiter_timeout = absl::ZeroDuration();
  loads().Hold("/models/m/1");
  Aspire("m", {1});
  EXPECT_THAT(ServerCore::Create(std::move(options), &core_),
              Fails(absl::StatusCode::kDeadlineExceeded, "{name: m"));
  loads().Release("/models/m/1");
  AwaitState({"m", 1}, ManagerState::kAvailable);
  EXPECT_EQ(Ask(Spec("m")), "hello:/models/m/1");
}

TEST_F(ServerCoreStartTest, WaitsForALoadInProgressWhenItDies) {
  ServerCore::Options options = MakeOptions();
  options.num_load_threads = 1;
  loads().Hold("/models/m/1");
  Aspire("m", {1});
  ASSERT_TRUE(ServerCore::Create(std::move(options), &core_).ok());
  std::vector<ServableRequest> new_models;
  ASSERT_TRUE(core_->ApplyConfig(ListOfModels({Model("m"), Model("n")}), &new_models).ok());
  loads().AwaitHeld("/models/m/1");
  absl::Notification dead;
  std::thread destroy([&] {
    core_.reset();
    dead.Notify();
  });
  EXPECT_FALSE(dead.HasBeenNotified());
  loads().Release("/models/m/1");
  destroy.join();
  EXPECT_EQ(loads().num_loads("/models/m/1"), 1);
  EXPECT_EQ(loads().num_loaded(), 0);
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

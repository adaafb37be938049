// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>

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
using ::testing::HasSubstr;
using ManagerState = ServableState::ManagerState;

class ServerCoreLabelsTest : public test_util::ServerCoreTestBase {
 protected:
  using Labels = std::vector<std::pair<std::string, int64_t>>;

  // A core with version 1 and 2 of `m`.
  void CreateWith(const Labels& labels, bool allow_unavailable = false, bool force_any = false) {
    Aspire("m", {1, 2});
    ServerCore::Options options = MakeOptions(ListOfModels({Model("m", labels)}));
    options.allow_version_labels_for_unavailable_models = allow_unavailable;
    options.force_allow_any_version_labels_for_unavailable_models = force_any;
    ASSERT_TRUE(ServerCore::Create(std::move(options), &core_).ok());
    AwaitState({"m", 1}, ManagerState::kAvailable);
    AwaitState({"m", 2}, ManagerState::kAvailable);
  }
  absl::Status Relabel(const Labels& labels) {
    return core_->ReloadConfig(ListOfModels({Model("m", labels)}));
  }
  std::string AskLabel(const std::string& label) const { return Ask(SpecOfLabel("m", label)); }
  void HoldVersion3() {
    loads().Hold("/models/m/3");
    Aspire("m", {1, 2, 3});
    loads().AwaitHeld("/models/m/3");
  }
};

TEST_F(ServerCoreLabelsTest, FindsVersionsByTheirLabels) {
  CreateWith({{"stable", 1}, {"canary", 2}});
  EXPECT_EQ(AskLabel("stable"), "hello:/models/m/1");
  EXPECT_EQ(AskLabel("canary"), "hello:/models/m/2");
  EXPECT_EQ(AskLabel("nightly"), "INVALID_ARGUMENT: Unrecognized servable version label: nightly");
  EXPECT_EQ(Ask(SpecOfLabel("n", "stable")),
            "INVALID_ARGUMENT: Unrecognized servable version label: stable");
}

TEST_F(ServerCoreLabelsTest, TheFirstConfigMayLabelVersionsThatAreNotThereYet) {
  CreateWith({{"next", 3}});
  EXPECT_THAT(AskLabel("next"),
              HasSubstr("NOT_FOUND: Servable not found for request: Specific(m, 3)"));
  Aspire("m", {1, 2, 3});
  AwaitState({"m", 3}, ManagerState::kAvailable);
  EXPECT_EQ(AskLabel("next"), "hello:/models/m/3");
}

TEST_F(ServerCoreLabelsTest, TheFirstConfigAfterAnEmptyStartMayToo) {
  ASSERT_TRUE(Create(ModelServerConfig()).ok());
  Aspire("m", {1});
  std::vector<ServableRequest> new_models;
  ASSERT_TRUE(core_->ApplyConfig(ListOfModels({Model("m", {{"stable", 1}})}), &new_models).ok());
  ASSERT_TRUE(core_->AwaitModels(new_models, absl::InfiniteFuture()).ok());
  EXPECT_EQ(AskLabel("stable"), "hello:/models/m/1");
}

TEST_F(ServerCoreLabelsTest, RefusesToLabelAVersionThatIsNeitherThereNorLoading) {
  CreateWith({{"stable", 1}});
  const std::string words =
      "Request to assign label to version 3 of model m, which is not currently available for "
      "inference";
  for (const Labels& labels : {Labels{{"stable", 3}}, Labels{{"stable", 1}, {"canary", 3}}}) {
    EXPECT_THAT(Relabel(labels), Fails(absl::StatusCode::kFailedPrecondition, words));
  }
  EXPECT_EQ(AskLabel("stable"), "hello:/models/m/1");
  EXPECT_THAT(AskLabel("canary"), HasSubstr("Unrecognized"));
}

TEST_F(ServerCoreLabelsTest, RefusesToLabelAVersionThatHasEnded) {
  CreateWith({{"stable", 2}});
  Aspire("m", {2});
  AwaitState({"m", 1}, ManagerState::kEnd);
  EXPECT_TRUE(absl::IsFailedPrecondition(Relabel({{"stable", 1}})));
}

TEST_F(ServerCoreLabelsTest, ARefusedLabelKeepsTheRestOfTheListFromBeingApplied) {
  CreateWith({{"stable", 1}});
  Aspire("n", {1});
  EXPECT_TRUE(absl::IsFailedPrecondition(
      core_->ReloadConfig(ListOfModels({Model("n"), Model("m", {{"stable", 3}})}))));
  EXPECT_EQ(loads().num_loads("/models/n/1"), 0);
}

TEST_F(ServerCoreLabelsTest, ALabelThatStaysAsItWasIsNeverRefused) {
  CreateWith({{"next", 3}});
  EXPECT_TRUE(Relabel({{"next", 3}}).ok());
  EXPECT_TRUE(Relabel({{"next", 3}, {"stable", 1}}).ok());
  EXPECT_EQ(AskLabel("stable"), "hello:/models/m/1");
}

TEST_F(ServerCoreLabelsTest, AllowsNewLabelsForAnyVersionWhenToldTo) {
  CreateWith({{"stable", 1}}, /*allow_unavailable=*/true);
  EXPECT_TRUE(absl::IsFailedPrecondition(Relabel({{"stable", 3}})));
  EXPECT_TRUE(Relabel({{"stable", 1}, {"next", 3}}).ok());
  EXPECT_THAT(AskLabel("next"), HasSubstr("Specific(m, 3)"));
}

TEST_F(ServerCoreLabelsTest, AllowsAnyMoveWhenForcedTo) {
  CreateWith({{"stable", 1}}, /*allow_unavailable=*/false, /*force_any=*/true);
  EXPECT_TRUE(Relabel({{"stable", 3}}).ok());
  // It moves when there is something to move to.
  EXPECT_EQ(AskLabel("stable"), "hello:/models/m/1");
  Aspire("m", {1, 2, 3});
  AwaitState({"m", 3}, ManagerState::kAvailable);
  EXPECT_EQ(AskLabel("stable"), "hello:/models/m/3");
}

TEST_F(ServerCoreLabelsTest, MovesAtOnceBetweenVersionsThatAreThere) {
  CreateWith({{"stable", 1}, {"canary", 2}});
  ASSERT_TRUE(Relabel({{"stable", 2}, {"canary", 1}}).ok());
  EXPECT_EQ(AskLabel("stable"), "hello:/models/m/2");
  EXPECT_EQ(AskLabel("canary"), "hello:/models/m/1");
  ASSERT_TRUE(Relabel({{"stable", 2}}).ok());
  EXPECT_THAT(AskLabel("canary"), HasSubstr("Unrecognized"));
}

TEST_F(ServerCoreLabelsTest, StaysWithTheOldVersionUntilTheNewOneIsAvailable) {
  CreateWith({{"stable", 1}});
  HoldVersion3();
  ASSERT_TRUE(Relabel({{"stable", 3}}).ok());
  EXPECT_EQ(AskLabel("stable"), "hello:/models/m/1");
  // From now on requests get the one or the other, and never go back.
  std::atomic<bool> stop{false};
  std::vector<std::string> answers;
  std::thread client([&] {
    do {
      answers.push_back(AskLabel("stable"));
    } while (!stop && answers.back() == "hello:/models/m/1");
    answers.push_back(AskLabel("stable"));
  });
  loads().Release("/models/m/3");
  AwaitState({"m", 3}, ManagerState::kAvailable);
  EXPECT_EQ(AskLabel("stable"), "hello:/models/m/3");
  Aspire("m", {3});
  AwaitState({"m", 1}, ManagerState::kEnd);
  stop = true;
  client.join();
  EXPECT_EQ(answers.back(), "hello:/models/m/3");
  answers.pop_back();
  answers.pop_back();
  EXPECT_THAT(answers, ::testing::Each("hello:/models/m/1"));
}

TEST_F(ServerCoreLabelsTest, StaysWithTheOldVersionWhenTheNewOneFails) {
  CreateWith({{"stable", 1}});
  loads().FailWith("/models/m/3", absl::DataLossError("torn"));
  HoldVersion3();
  ASSERT_TRUE(Relabel({{"stable", 3}}).ok());
  loads().Release("/models/m/3");
  AwaitState({"m", 3}, ManagerState::kEnd);
  EXPECT_EQ(AskLabel("stable"), "hello:/models/m/1");
}

TEST_F(ServerCoreLabelsTest, AMoveThatIsTakenBackDoesNotHappen) {
  CreateWith({{"stable", 1}});
  HoldVersion3();
  ASSERT_TRUE(Relabel({{"stable", 3}}).ok());
  ASSERT_TRUE(Relabel({{"stable", 1}}).ok());
  loads().Release("/models/m/3");
  AwaitState({"m", 3}, ManagerState::kAvailable);
  EXPECT_EQ(AskLabel("stable"), "hello:/models/m/1");
}

TEST_F(ServerCoreLabelsTest, AMoveGoesOnAfterAReloadThatTheSourceRefused) {
  CreateWith({{"stable", 1}});
  HoldVersion3();
  ASSERT_TRUE(Relabel({{"stable", 3}}).ok());
  RefuseUpdatesWith(absl::InvalidArgumentError("no such bucket"));
  EXPECT_FALSE(Relabel({{"stable", 2}}).ok());
  EXPECT_EQ(AskLabel("stable"), "hello:/models/m/1");
  loads().Release("/models/m/3");
  AwaitState({"m", 3}, ManagerState::kAvailable);
  EXPECT_EQ(AskLabel("stable"), "hello:/models/m/3");
}

TEST_F(ServerCoreLabelsTest, RefusesLabelsWhenTheyAreNotAllowed) {
  Aspire("m", {1});
  ServerCore::Options options = MakeOptions(ListOfModels({Model("m")}));
  options.allow_version_labels = false;
  ASSERT_TRUE(ServerCore::Create(std::move(options), &core_).ok());
  EXPECT_EQ(AskLabel("stable"),
            "INVALID_ARGUMENT: ModelSpec has 'version_label' set, but it is not currently allowed "
            "by the server.");
  EXPECT_THAT(Relabel({{"stable", 1}}),
              Fails(absl::StatusCode::kInvalidArgument, "not currently allowed by the server"));
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tfserving_remote/server/grpc_doubles_for_tests.h"
#include "tfserving_remote/server/health_service.h"

namespace tfserving_remote {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using tensorflow::serving::ServableState;
using ::testing::ElementsAre;

class HealthTest : public ::testing::Test {
 protected:
  void Update(const std::string& model, int64_t version, ServableState::ManagerState state) {
    health_.Update({{model, version}, state, absl::OkStatus()});
    service_.HealthChanged();
  }
  void Available(const std::string& model, int64_t version) {
    Update(model, version, ServableState::ManagerState::kAvailable);
  }
  static std::shared_ptr<InMemoryCall> Asking(const std::string& name) {
    HealthCheckRequest request;
    request.set_service(name);
    return std::make_shared<InMemoryCall>(request);
  }
  std::shared_ptr<InMemoryCall> Watch(const std::string& name) {
    auto call = Asking(name);
    service_.Watch(call);
    return call;
  }
  static std::vector<int> Seen(const InMemoryCall& call) {
    std::vector<int> statuses;
    for (const std::string& message : call.messages()) {
      HealthCheckResponse response;
      EXPECT_TRUE(response.ParseFromString(message));
      statuses.push_back(response.status());
    }
    return statuses;
  }

  static constexpr int kServing = HealthCheckResponse::SERVING;
  static constexpr int kNotServing = HealthCheckResponse::NOT_SERVING;
  Health health_{{"a", "b"}};
  HealthService service_{health_};
};

TEST_F(HealthTest, AModelThatLeavesTakesOnlyItsOwnHealthWithIt) {
  Available("a", 1);
  Available("b", 1);
  health_.SetLeaving({"b"});
  Update("b", 1, ServableState::ManagerState::kUnloading);
  EXPECT_EQ(health_.Of(""), kServing);
  EXPECT_EQ(health_.Of("b"), kNotServing);
  health_.SetLeaving({});
  EXPECT_EQ(health_.Of(""), kNotServing);
  health_.SetModels({"a"});
  EXPECT_EQ(health_.Of(""), kServing);
}

TEST_F(HealthTest, FollowsTheConfiguredModels) {
  Available("a", 1);
  Available("c", 1);
  EXPECT_EQ(health_.Of("c"), HealthCheckResponse::SERVICE_UNKNOWN);
  health_.SetModels({"a", "c"});
  EXPECT_EQ(health_.Of("c"), kServing);
  EXPECT_EQ(health_.Of(""), kServing);
  EXPECT_EQ(health_.Of("b"), HealthCheckResponse::SERVICE_UNKNOWN);
  health_.SetModels({"a", "b"});
  EXPECT_EQ(health_.Of(""), kNotServing);
}

TEST_F(HealthTest, TheServerServesWhenEveryModelDoes) {
  EXPECT_EQ(health_.Of(""), kNotServing);
  Available("a", 1);
  EXPECT_EQ(health_.Of("a"), kServing);
  EXPECT_EQ(health_.Of("b"), kNotServing);
  EXPECT_EQ(health_.Of(""), kNotServing);
  Available("b", 1);
  for (const char* name :
       {"", "ModelService", "PredictionService", "tensorflow.serving.PredictionService",
        "tensorflow.serving.ModelService"}) {
    EXPECT_EQ(health_.Of(name), kServing) << name;
  }
}

TEST_F(HealthTest, AModelServesWhileAnyVersionIsAvailable) {
  Available("a", 1);
  Available("a", 2);
  Update("a", 1, ServableState::ManagerState::kUnloading);
  Update("a", 1, ServableState::ManagerState::kEnd);
  EXPECT_EQ(health_.Of("a"), kServing);
  Update("a", 2, ServableState::ManagerState::kUnloading);
  EXPECT_EQ(health_.Of("a"), kNotServing);
}

TEST_F(HealthTest, AServerWithoutModelsServes) { EXPECT_EQ(Health().Of(""), kServing); }

TEST_F(HealthTest, NothingServesWhileDraining) {
  Available("a", 1);
  health_.SetDraining();
  EXPECT_EQ(health_.Of("a"), kNotServing);
  EXPECT_EQ(health_.Of("unknown"), HealthCheckResponse::SERVICE_UNKNOWN);
}

TEST_F(HealthTest, CheckAnswersOrSaysThatTheServiceIsUnknown) {
  auto call = Asking("a");
  service_.Check(*call);
  EXPECT_THAT(Seen(*call), ElementsAre(kNotServing));
  EXPECT_TRUE(call->status()->ok());

  auto unknown = Asking("c");
  service_.Check(*unknown);
  EXPECT_TRUE(unknown->messages().empty());
  EXPECT_EQ(unknown->status()->code(), absl::StatusCode::kNotFound);

  InMemoryCall garbage(std::string("\xff\xff"));
  service_.Check(garbage);
  EXPECT_EQ(garbage.status()->code(), absl::StatusCode::kInternal);
}

TEST_F(HealthTest, WatchSendsTheStatusNowAndEveryChange) {
  auto call = Watch("a");
  auto unknown = Watch("c");
  Available("a", 1);
  Available("a", 2);
  Update("a", 1, ServableState::ManagerState::kEnd);
  Update("a", 2, ServableState::ManagerState::kEnd);
  EXPECT_THAT(Seen(*call), ElementsAre(kNotServing, kServing, kNotServing));
  EXPECT_THAT(Seen(*unknown), ElementsAre(HealthCheckResponse::SERVICE_UNKNOWN));
  EXPECT_FALSE(unknown->status().has_value());
}

TEST_F(HealthTest, ASlowWatcherGetsTheNewestStatus) {
  auto call = Asking("a");
  call->HoldWrites();
  service_.Watch(call);
  Available("a", 1);
  Update("a", 1, ServableState::ManagerState::kEnd);
  Available("a", 2);
  EXPECT_THAT(Seen(*call), ElementsAre(kNotServing));
  call->ReleaseWrite();
  EXPECT_THAT(Seen(*call), ElementsAre(kNotServing, kServing));
  call->ReleaseWrite();
}

TEST_F(HealthTest, ACancelledWatcherHearsNothingMore) {
  auto call = Watch("a");
  call->Cancel();
  Available("a", 1);
  EXPECT_THAT(Seen(*call), ElementsAre(kNotServing));
  EXPECT_EQ(call.use_count(), 1);
}

TEST_F(HealthTest, DrainTellsWatchersAndEndsThem) {
  Available("a", 1);
  auto call = Watch("a");
  auto slow = Asking("a");
  slow->HoldWrites();
  service_.Watch(slow);
  health_.SetDraining();
  service_.EndWatches();
  EXPECT_THAT(Seen(*call), ElementsAre(kServing, kNotServing));
  EXPECT_EQ(call->status()->code(), absl::StatusCode::kUnavailable);

  EXPECT_FALSE(slow->status().has_value());
  slow->ReleaseWrite();
  slow->ReleaseWrite();
  EXPECT_THAT(Seen(*slow), ElementsAre(kServing, kNotServing));
  EXPECT_EQ(slow->status()->code(), absl::StatusCode::kUnavailable);

  auto late = Watch("a");
  EXPECT_EQ(late->status()->code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/reload_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <stdexcept>

#include "tfserving_remote/server/grpc_doubles_for_tests.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

tfs::ReloadConfigRequest Listing(const std::vector<std::string>& models) {
  tfs::ReloadConfigRequest request;
  tfs::ModelConfigList* const list = request.mutable_config()->mutable_model_config_list();
  for (const std::string& model : models) list->add_config()->set_name(model);
  return request;
}

/// Models are available, have failed or are not known yet, as a test says.
class ReloadServiceTest : public ::testing::Test {
 protected:
  ReloadServiceTest() { service_.Register(server_); }

  absl::Status Apply(const tfs::ModelServerConfig& config, ReloadService::Models* new_models) {
    absl::MutexLock lock(&mu_);
    for (const tfs::ModelConfig& model : config.model_config_list().config()) {
      if (model.name() == "bad") return absl::InvalidArgumentError("bad is no model");
      if (model.name() == "odd") throw std::runtime_error("odd");
      applied_.push_back(model.name());
      new_models->push_back(tfs::ServableRequest::Latest(model.name()));
    }
    return absl::OkStatus();
  }
  absl::Status Judge(const ReloadService::Models& models) {
    absl::MutexLock lock(&mu_);
    for (const tfs::ServableRequest& model : models) {
      const auto known = states_.find(model.name);
      if (known == states_.end()) return absl::DeadlineExceededError("not yet");
      if (!known->second.ok()) return known->second;
    }
    return absl::OkStatus();
  }
  void Becomes(const std::string& model, absl::Status status) {
    {
      absl::MutexLock lock(&mu_);
      states_[model] = std::move(status);
    }
    service_.ModelsChanged();
  }
  std::shared_ptr<InMemoryCall> Call(const tfs::ReloadConfigRequest& request) {
    auto call = std::make_shared<InMemoryCall>(request);
    calls_.push_back(call);
    server_.Call("/tensorflow.serving.ModelService/HandleReloadConfigRequest", call);
    return call;
  }
  void AwaitApplied(size_t count) {
    absl::MutexLock lock(&mu_);
    const auto there = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return applied_.size() >= count; };
    mu_.Await(absl::Condition(&there));
  }

  absl::Mutex mu_;
  std::map<std::string, absl::Status> states_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> applied_ ABSL_GUARDED_BY(mu_);
  InMemoryServer server_;
  // Die after the service's thread: a status that two threads share counts its owners inside
  // TensorFlow's library, where thread sanitizers see nothing.
  std::vector<std::shared_ptr<InMemoryCall>> calls_;
  ReloadService service_{
      [this](const tfs::ModelServerConfig& config, ReloadService::Models* new_models) {
        return Apply(config, new_models);
      },
      [this](const ReloadService::Models& models) { return Judge(models); }, Clock::Real()};
};

TEST_F(ReloadServiceTest, AnswersWhenTheNewModelsAreAvailable) {
  const auto call = Call(Listing({"m"}));
  AwaitApplied(1);
  EXPECT_FALSE(call->status().has_value());
  Becomes("m", absl::OkStatus());
  EXPECT_TRUE(call->AwaitStatus().ok());
  tfs::ReloadConfigResponse response;
  ASSERT_TRUE(response.ParseFromString(call->messages().at(0)));
  EXPECT_TRUE(response.has_status());
  EXPECT_EQ(response.status().error_code(), tensorflow::error::OK);
}

TEST_F(ReloadServiceTest, AModelThatFailsFailsTheCall) {
  const auto call = Call(Listing({"m"}));
  Becomes("m", absl::UnknownError("1 model(s) did not become available"));
  EXPECT_EQ(call->AwaitStatus(), absl::UnknownError("1 model(s) did not become available"));
}

TEST_F(ReloadServiceTest, TakesListsOfModelsOnly) {
  for (const bool custom : {false, true}) {
    tfs::ReloadConfigRequest request;
    if (custom) request.mutable_config()->mutable_custom_model_config();
    const absl::Status status = Call(request)->AwaitStatus();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(),
              "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
              "ModelConfigList is currently supported");
  }
}

TEST_F(ReloadServiceTest, AConfigurationThatIsRefusedEndsItsOwnCallOnly) {
  const auto waiting = Call(Listing({"m"}));
  EXPECT_EQ(Call(Listing({"bad"}))->AwaitStatus(), absl::InvalidArgumentError("bad is no model"));
  EXPECT_EQ(Call(Listing({"odd"}))->AwaitStatus(), absl::InternalError("Unexpected error: odd"));
  Becomes("m", absl::OkStatus());
  EXPECT_TRUE(waiting->AwaitStatus().ok());
}

TEST_F(ReloadServiceTest, ACallThatWaitsKeepsNoOtherFromBeingApplied) {
  const auto waiting = Call(Listing({"never"}));
  Becomes("m", absl::OkStatus());
  EXPECT_TRUE(Call(Listing({"m"}))->AwaitStatus().ok());
  EXPECT_FALSE(waiting->status().has_value());
  absl::MutexLock lock(&mu_);
  EXPECT_THAT(applied_, ElementsAre("never", "m"));
}

TEST_F(ReloadServiceTest, ACallThatNobodyAwaitsEnds) {
  const auto call = Call(Listing({"never"}));
  AwaitApplied(1);
  call->Cancel();
  EXPECT_FALSE(call->AwaitStatus().ok());
}

TEST_F(ReloadServiceTest, TheEndOfTheServerEndsWhatWaitsAndWhatComes) {
  const auto waiting = Call(Listing({"never"}));
  AwaitApplied(1);
  service_.EndCalls();
  EXPECT_TRUE(absl::IsUnavailable(waiting->AwaitStatus()));
  EXPECT_TRUE(absl::IsUnavailable(Call(Listing({"m"}))->AwaitStatus()));
  service_.Stop();
  absl::MutexLock lock(&mu_);
  EXPECT_THAT(applied_, ElementsAre("never"));
}

TEST_F(ReloadServiceTest, MetricsThatAreNotThereHaveNotIncreased) {
  tfs::ReloadConfigRequest request = Listing({});
  for (const char* name : {"b", "a", "b"}) request.add_metric_names(name);
  const auto call = Call(request);
  ASSERT_TRUE(call->AwaitStatus().ok());
  tfs::ReloadConfigResponse response;
  ASSERT_TRUE(response.ParseFromString(call->messages().at(0)));
  std::map<std::string, int64_t> metrics;
  for (const tfs::Metric& metric : response.metric()) {
    metrics[metric.name()] = metric.int64_value_increase();
  }
  EXPECT_EQ(metrics, (std::map<std::string, int64_t>{{"a", 0}, {"b", 0}}));
  EXPECT_EQ(response.metric_size(), 2);
}

}  // namespace
}  // namespace tfserving_remote

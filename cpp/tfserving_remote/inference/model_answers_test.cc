// SPDX-License-Identifier: Apache-2.0
// GetModelMetadata and GetModelStatus.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/util/event_bus.h"
#include "tfserving_remote/inference/get_model_metadata.h"
#include "tfserving_remote/inference/get_model_status.h"
#include "tfserving_remote/inference/graph_bundle_for_tests.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using tfs::ServableState;

TEST(GetModelMetadataTest, GivesAllSignaturesOfTheVersionThatServes) {
  TestCore core;
  core.Put("m", 3, MakeGraphBundle());
  tfs::GetModelMetadataRequest request;
  request.mutable_model_spec()->set_name("m");
  request.add_metadata_field("signature_def");
  tfs::GetModelMetadataResponse response;
  ASSERT_TRUE(GetModelMetadata(core, request, &response).ok());
  EXPECT_EQ(response.model_spec().version().value(), 3);
  EXPECT_EQ(response.model_spec().signature_name(), "");
  const google::protobuf::Any& any = response.metadata().at("signature_def");
  EXPECT_EQ(any.type_url(), "type.googleapis.com/tensorflow.serving.SignatureDefMap");
  tfs::SignatureDefMap signatures;
  ASSERT_TRUE(any.UnpackTo(&signatures));
  EXPECT_EQ(signatures.signature_def().size(), 4u);
}

TEST(GetModelMetadataTest, ChecksInUpstreamsOrder) {
  TestCore core;
  tfs::GetModelMetadataRequest request;
  tfs::GetModelMetadataResponse response;
  const auto message = [&] {
    return std::string(GetModelMetadata(core, request, &response).message());
  };
  EXPECT_EQ(message(), "Missing ModelSpec");
  request.mutable_model_spec()->set_name("m");
  EXPECT_EQ(message(), "GetModelMetadataRequest must specify at least one metadata_field");
  request.add_metadata_field("color");
  EXPECT_EQ(message(), "Metadata field color is not supported");
  request.set_metadata_field(0, "signature_def");
  EXPECT_THAT(message(), ::testing::StartsWith("Servable not found for request: Latest(m)"));
}

// Knows its color.
class ColoredServable final : public tfs::Servable {
 public:
  ColoredServable() : Servable("colored", 2) {}

  absl::Status GetModelMetadata(const tfs::GetModelMetadataRequest& request,
                                tfs::GetModelMetadataResponse* response) override {
    (*response->mutable_metadata())[request.metadata_field(0)].set_value("red");
    return absl::OkStatus();
  }
};

TEST(GetModelMetadataTest, AServableAnswersForItself) {
  TestCore core;
  core.Put<tfs::Servable>("colored", 2, std::make_shared<ColoredServable>());
  tfs::GetModelMetadataRequest request;
  request.mutable_model_spec()->set_name("colored");
  for (const char* field : {"color", "signature_def"}) {
    request.clear_metadata_field();
    request.add_metadata_field(field);
    tfs::GetModelMetadataResponse response;
    ASSERT_TRUE(GetModelMetadata(core, request, &response).ok());
    EXPECT_EQ(response.metadata().at(field).value(), "red");
    EXPECT_EQ(response.model_spec().name(), "colored");
    EXPECT_EQ(response.model_spec().version().value(), 2);
  }
}

class GetModelStatusTest : public ::testing::Test {
 protected:
  void Publish(int64_t version, ServableState::ManagerState state, absl::Status health = {}) {
    bus_->Publish({{"m", version}, state, std::move(health)});
  }
  absl::Status Get() {
    response_.Clear();
    return GetModelStatus(monitor_, why_, request_, &response_);
  }

  std::shared_ptr<tfs::EventBus<ServableState>> bus_ =
      tfs::EventBus<ServableState>::CreateEventBus();
  tfs::ServableStateMonitor monitor_{bus_.get()};
  WhyNoVersion why_;
  tfs::GetModelStatusRequest request_;
  tfs::GetModelStatusResponse response_;
};

TEST_F(GetModelStatusTest, ListsVersionsNewestFirstWithTheReasonOfAFailure) {
  Publish(3, ServableState::ManagerState::kAvailable);
  Publish(4, ServableState::ManagerState::kEnd, absl::DataLossError("chunk 7 is damaged"));
  request_.mutable_model_spec()->set_name("m");
  ASSERT_TRUE(Get().ok());
  ASSERT_EQ(response_.model_version_status_size(), 2);
  EXPECT_EQ(response_.model_version_status(0).version(), 4);
  EXPECT_EQ(response_.model_version_status(0).state(), tfs::ModelVersionStatus::END);
  EXPECT_EQ(response_.model_version_status(0).status().error_code(), tensorflow::error::DATA_LOSS);
  EXPECT_EQ(response_.model_version_status(0).status().error_message(), "chunk 7 is damaged");
  EXPECT_EQ(response_.model_version_status(1).state(), tfs::ModelVersionStatus::AVAILABLE);
}

TEST_F(GetModelStatusTest, ShowsOneVersionWhenAskedForOne) {
  Publish(3, ServableState::ManagerState::kLoading);
  request_.mutable_model_spec()->set_name("m");
  request_.mutable_model_spec()->mutable_version()->set_value(3);
  ASSERT_TRUE(Get().ok());
  ASSERT_EQ(response_.model_version_status_size(), 1);
  EXPECT_EQ(response_.model_version_status(0).state(), tfs::ModelVersionStatus::LOADING);

  request_.mutable_model_spec()->mutable_version()->set_value(4);
  EXPECT_EQ(Get(), absl::NotFoundError("Could not find version 4 of model m"));
}

TEST_F(GetModelStatusTest, SaysWhyThereIsNoVersionYet) {
  EXPECT_EQ(Get(), absl::InvalidArgumentError("Missing ModelSpec"));
  request_.mutable_model_spec()->set_name("m");
  EXPECT_EQ(Get(), absl::NotFoundError("Could not find any versions of model m"));
  why_ = [](const std::string&) { return "LIST s3://b/m/: access denied"; };
  EXPECT_EQ(Get(), absl::NotFoundError(
                       "Could not find any versions of model m: LIST s3://b/m/: access denied"));
}

}  // namespace
}  // namespace tfserving_remote

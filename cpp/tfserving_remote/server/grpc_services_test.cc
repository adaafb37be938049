// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/grpc_services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "tensorflow_serving/apis/get_model_metadata.pb.h"
#include "tensorflow_serving/apis/get_model_status.pb.h"
#include "tensorflow_serving/apis/predict.pb.h"
#include "tfserving_remote/inference/graph_bundle_for_tests.h"
#include "tfserving_remote/server/grpc_doubles_for_tests.h"
#include "tfserving_remote/server/unary_call.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using ::testing::EndsWith;
using ::testing::HasSubstr;

tfs::PredictRequest HalfPlusTwo() {
  tfs::PredictRequest request;
  request.mutable_model_spec()->set_name("m");
  tensorflow::TensorProto& x = (*request.mutable_inputs())["x"];
  x.set_dtype(tensorflow::DT_FLOAT);
  x.mutable_tensor_shape();
  x.add_float_val(1);
  return request;
}

class UnaryCallTest : public ::testing::Test {
 protected:
  // Ends `call` with what `method` returns or throws.
  absl::Status Run(InMemoryCall& call, std::function<absl::Status()> method) {
    RunUnaryCall<tfs::PredictRequest, tfs::PredictResponse>(
        call, Clock::Real(), [&](const tfs::PredictRequest&, absl::Time, tfs::PredictResponse*) {
          ++runs_;
          return method();
        });
    return call.status().value();
  }
  absl::Status Run(std::function<absl::Status()> method) {
    InMemoryCall call{HalfPlusTwo()};
    return Run(call, std::move(method));
  }

  int runs_ = 0;
};

TEST_F(UnaryCallTest, ExceptionsEndTheCallAndNothingElse) {
  EXPECT_EQ(Run([]() -> absl::Status { throw std::bad_alloc(); }).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Run([]() -> absl::Status { throw std::runtime_error("odd"); }),
            absl::InternalError("Unexpected error: odd"));
}

TEST_F(UnaryCallTest, WorkThatNobodyAwaitsIsNotBegun) {
  const auto ok = [] { return absl::OkStatus(); };
  InMemoryCall cancelled{HalfPlusTwo()};
  cancelled.Cancel();
  EXPECT_EQ(Run(cancelled, ok).code(), absl::StatusCode::kCancelled);
  InMemoryCall late(HalfPlusTwo(), Clock::Real().Now() - absl::Seconds(1));
  EXPECT_EQ(Run(late, ok).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(runs_, 0);
}

TEST_F(UnaryCallTest, AnAnswerThatNobodyAwaitsIsNotSent) {
  InMemoryCall call{HalfPlusTwo()};
  EXPECT_TRUE(absl::IsCancelled(Run(call, [&call] {
    call.Cancel();
    return absl::OkStatus();
  })));
  EXPECT_TRUE(call.messages().empty());
}

TEST_F(UnaryCallTest, ARequestThatDoesNotParseIsInternal) {
  InMemoryCall call(std::string("\xff\xff\xff"));
  const absl::Status status = Run(call, [] { return absl::OkStatus(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("tensorflow.serving.PredictRequest"));
}

TEST_F(UnaryCallTest, CutsLongMessagesBetweenCharacters) {
  const std::string exact(1024, 'a');
  EXPECT_EQ(TruncateMessage(absl::InternalError(exact)), absl::InternalError(exact));
  const std::string cut(TruncateMessage(absl::InternalError(exact + "b")).message());
  EXPECT_EQ(cut, exact + "...TRUNCATED");
  // The 1024th byte is the first of a two-byte character.
  const std::string utf8 = std::string(1023, 'a') + "\xc3\xa9 and so on";
  EXPECT_EQ(std::string(TruncateMessage(absl::InternalError(utf8)).message()),
            std::string(1023, 'a') + "...TRUNCATED");
}

class GrpcServicesTest : public ::testing::Test {
 protected:
  GrpcServicesTest() {
    core_.Put("m", 3, MakeGraphBundle());
    RegisterGrpcServices(
        {predictor_, core_, monitor_, [](const std::string&) { return "the bucket is empty"; },
         workers_, Clock::Real()},
        server_);
  }
  std::shared_ptr<InMemoryCall> Call(const std::string& method,
                                     const google::protobuf::Message& request,
                                     absl::Time deadline = absl::InfiniteFuture()) {
    auto call = std::make_shared<InMemoryCall>(request, deadline);
    server_.Call("/tensorflow.serving." + method, call);
    return call;
  }

  TestCore core_;
  PreparedModels models_;
  Predictor predictor_{core_, models_, Clock::Real(), {}};
  std::shared_ptr<tfs::EventBus<tfs::ServableState>> bus_ =
      tfs::EventBus<tfs::ServableState>::CreateEventBus();
  tfs::ServableStateMonitor monitor_{bus_.get()};
  InMemoryServer server_;
  WorkerPool workers_{2};
};

TEST_F(GrpcServicesTest, PredictAnswersFromAWorker) {
  const auto call = Call("PredictionService/Predict", HalfPlusTwo());
  EXPECT_TRUE(call->AwaitStatus().ok());
  tfs::PredictResponse response;
  ASSERT_TRUE(response.ParseFromString(call->messages().at(0)));
  EXPECT_EQ(response.outputs().at("y").float_val(0), 2.5f);
}

TEST_F(GrpcServicesTest, StatusIsAnsweredWhileEveryWorkerComputes) {
  tfs::PredictRequest blocked = HalfPlusTwo();
  blocked.mutable_model_spec()->set_signature_name("blocked");
  std::vector<std::shared_ptr<InMemoryCall>> computing;
  const absl::Time deadline = Clock::Real().Now() + absl::Milliseconds(300);
  for (int i = 0; i < 2; ++i) {
    computing.push_back(Call("PredictionService/Predict", blocked, deadline));
  }
  bus_->Publish({{"m", 3}, tfs::ServableState::ManagerState::kAvailable, absl::OkStatus()});
  tfs::GetModelStatusRequest request;
  request.mutable_model_spec()->set_name("m");
  // Answered on the calling thread.
  EXPECT_TRUE(Call("ModelService/GetModelStatus", request)->status().value().ok());
  for (const auto& call : computing) {
    EXPECT_EQ(call->AwaitStatus().code(), absl::StatusCode::kDeadlineExceeded);
  }
}

TEST_F(GrpcServicesTest, StatusOfAModelWithoutVersionsSaysWhy) {
  tfs::GetModelStatusRequest request;
  request.mutable_model_spec()->set_name("n");
  EXPECT_THAT(std::string(Call("ModelService/GetModelStatus", request)->AwaitStatus().message()),
              EndsWith("Could not find any versions of model n: the bucket is empty"));
}

TEST_F(GrpcServicesTest, MetadataIsAnswered) {
  tfs::GetModelMetadataRequest request;
  request.mutable_model_spec()->set_name("m");
  request.add_metadata_field("signature_def");
  EXPECT_TRUE(Call("PredictionService/GetModelMetadata", request)->AwaitStatus().ok());
}

}  // namespace
}  // namespace tfserving_remote

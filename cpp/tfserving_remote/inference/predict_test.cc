// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/inference/predict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <thread>

#include "tfserving_remote/inference/graph_bundle_for_tests.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class PredictTest : public ::testing::Test {
 protected:
  // Sessions start threads; one for all tests is enough.
  static void SetUpTestSuite() { bundle_ = new auto(MakeGraphBundle()); }
  static void TearDownTestSuite() { delete bundle_; }

  PredictTest() { core_.Put("m", 3, *bundle_); }

  static tfs::PredictRequest Request(const std::string& signature,
                                     std::initializer_list<std::string> inputs) {
    tfs::PredictRequest request;
    request.mutable_model_spec()->set_name("m");
    request.mutable_model_spec()->set_signature_name(signature);
    for (const std::string& input : inputs) {
      tensorflow::TensorProto& tensor = (*request.mutable_inputs())[input];
      tensor.set_dtype(tensorflow::DT_FLOAT);
      tensor.mutable_tensor_shape()->add_dim()->set_size(2);
      tensor.add_float_val(1);
      tensor.add_float_val(2);
    }
    return request;
  }

  absl::Status Predict(const tfs::PredictRequest& request,
                       absl::Time deadline = absl::InfiniteFuture()) {
    const Predictor predictor(core_, models_, Clock::Real(), options_);
    response_.Clear();
    return predictor.Predict(request, deadline, &response_);
  }
  void ExpectError(const tfs::PredictRequest& request, absl::StatusCode code,
                   const std::string& message) {
    const absl::Status status = Predict(request);
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), StartsWith(message));
  }

  static std::shared_ptr<tensorflow::SavedModelBundle>* bundle_;
  TestCore core_;
  PreparedModels models_;
  PredictOptions options_;
  tfs::PredictResponse response_;
};

std::shared_ptr<tensorflow::SavedModelBundle>* PredictTest::bundle_ = nullptr;

TEST_F(PredictTest, AnswersWithAllOutputsAndTheVersionThatServed) {
  ASSERT_TRUE(Predict(Request("", {"x"})).ok());
  EXPECT_EQ(response_.model_spec().name(), "m");
  EXPECT_EQ(response_.model_spec().version().value(), 3);
  EXPECT_EQ(response_.model_spec().signature_name(), "serving_default");
  ASSERT_EQ(response_.outputs().size(), 2u);
  EXPECT_THAT(response_.outputs().at("y").float_val(), ::testing::ElementsAre(2.5, 3));
  EXPECT_THAT(response_.outputs().at("z").float_val(), ::testing::ElementsAre(2, 4));
}

TEST_F(PredictTest, ADeadlineChangesNothingAboutTheAnswer) {
  ASSERT_TRUE(Predict(Request("", {"x"}), absl::Now() + absl::Minutes(1)).ok());
  EXPECT_THAT(response_.outputs().at("y").float_val(), ::testing::ElementsAre(2.5, 3));
}

TEST_F(PredictTest, StopsARunAtTheDeadline) {
  const absl::Status status =
      Predict(Request("blocked", {"x"}), absl::Now() + absl::Milliseconds(20));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_EQ(Predict(Request("", {"x"}), absl::Now() - absl::Seconds(1)).code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(PredictTest, FetchesOnlyTheOutputsOfTheFilter) {
  tfs::PredictRequest request = Request("", {"x"});
  request.add_output_filter("z");
  ASSERT_TRUE(Predict(request).ok());
  ASSERT_EQ(response_.outputs().size(), 1u);
  EXPECT_THAT(response_.outputs().at("z").float_val(), ::testing::ElementsAre(2, 4));

  request.add_output_filter("z");
  ExpectError(request, absl::StatusCode::kInvalidArgument, "duplicate output tensor alias: z");
  request.set_output_filter(1, "w");
  ExpectError(request, absl::StatusCode::kInvalidArgument,
              "output tensor alias not found in signature: w Outputs expected to be in the set "
              "{y,z}.");
}

TEST_F(PredictTest, FillsAbsentInputsFromTheSignaturesDefaults) {
  ASSERT_TRUE(Predict(Request("with_default", {"x"})).ok());
  EXPECT_THAT(response_.outputs().at("sum").float_val(), ::testing::ElementsAre(11, 12));
  ASSERT_TRUE(Predict(Request("with_default", {"x", "b"})).ok());
  EXPECT_THAT(response_.outputs().at("sum").float_val(), ::testing::ElementsAre(2, 4));

  ExpectError(
      Request("with_default", {"b"}), absl::StatusCode::kInvalidArgument,
      "Signature input alias: x(feed name: x:0) not found in request and no default value "
      "provided. Inputs expected to be in the request {x}, or default input alias set: {b}");
  ExpectError(Request("with_default", {"x", "c"}), absl::StatusCode::kInvalidArgument,
              "Inputs contains invalid name. Used request inputs: {x}, request input: {c,x}");
}

TEST_F(PredictTest, ComparesTheInputsWithTheSignature) {
  ExpectError(
      Request("", {"a", "b"}), absl::StatusCode::kInvalidArgument,
      "input size does not match signature: 2!=1 len({a,b}) != len({x}). Sent extra: {a,b}. "
      "Missing but required: {x}.");
  ExpectError(Request("", {}), absl::StatusCode::kInvalidArgument,
              "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. "
              "Missing but required: {x}.");
  ExpectError(Request("", {"a"}), absl::StatusCode::kInvalidArgument, "Signature input alias: x(");
}

TEST_F(PredictTest, ChecksInUpstreamsOrder) {
  tfs::PredictRequest request = Request("none", {"a"});
  ExpectError(request, absl::StatusCode::kFailedPrecondition,
              "Serving signature key \"none\" not found.");
  request.mutable_model_spec()->set_name("");
  ExpectError(request, absl::StatusCode::kInvalidArgument, "ModelSpec has no name specified.");
  request.clear_model_spec();
  ExpectError(request, absl::StatusCode::kInvalidArgument, "Missing ModelSpec");
}

TEST_F(PredictTest, LetsTheRuntimeJudgeDtypes) {
  tfs::PredictRequest request = Request("", {});
  tensorflow::TensorProto& x = (*request.mutable_inputs())["x"];
  x.set_dtype(tensorflow::DT_INT32);
  x.mutable_tensor_shape();
  x.add_int_val(1);
  ExpectError(request, absl::StatusCode::kInvalidArgument,
              "Expects arg[0] to be float but int32 is provided");
  const absl::Status status = Predict(request, absl::Now() + absl::Minutes(1));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Expects arg[0] to be float but int32"));
}

TEST_F(PredictTest, NamesTheTensorThatDoesNotParse) {
  tfs::PredictRequest request = Request("", {"x"});
  (*request.mutable_inputs())["x"].mutable_tensor_shape()->mutable_dim(0)->set_size(-1);
  ExpectError(request, absl::StatusCode::kInvalidArgument, "tensor parsing error: x");
}

TEST_F(PredictTest, ChecksMethodNamesOnlyWhenAsked) {
  EXPECT_TRUE(Predict(Request("odd_method", {"x"})).ok());
  options_.check_method_name = true;
  EXPECT_TRUE(Predict(Request("", {"x"})).ok());
  ExpectError(Request("odd_method", {"x"}), absl::StatusCode::kInternal,
              "Expected prediction signature method_name to be one of {tensorflow/serving/predict, "
              "tensorflow/serving/classify, tensorflow/serving/regress}. Was: serve/odd");
}

// Answers with the number of inputs, and fails when there are none.
class CountingServable final : public tfs::Servable {
 public:
  CountingServable() : Servable("counter", 5) {}

  absl::Status Predict(const RunOptions& run_options, const tfs::PredictRequest& request,
                       tfs::PredictResponse* response) override {
    deadline = run_options.deadline;
    if (request.inputs().empty()) return absl::OutOfRangeError("nothing to count");
    (*response->mutable_outputs())["count"].add_int_val(static_cast<int>(request.inputs().size()));
    return absl::OkStatus();
  }

  absl::Time deadline;
};

TEST_F(PredictTest, AServableAnswersForItself) {
  const auto counter = std::make_shared<CountingServable>();
  core_.Put<tfs::Servable>("counter", 5, counter);
  tfs::PredictRequest request = Request("any", {"x", "y"});
  request.mutable_model_spec()->set_name("counter");
  const absl::Time deadline = absl::Now() + absl::Minutes(1);
  ASSERT_TRUE(Predict(request, deadline).ok());
  EXPECT_EQ(response_.outputs().at("count").int_val(0), 2);
  EXPECT_EQ(response_.model_spec().name(), "counter");
  EXPECT_EQ(response_.model_spec().version().value(), 5);
  EXPECT_EQ(response_.model_spec().signature_name(), "any");
  EXPECT_EQ(counter->deadline, deadline);

  request.clear_inputs();
  ExpectError(request, absl::StatusCode::kOutOfRange, "nothing to count");
  EXPECT_EQ(Predict(request, absl::Now() - absl::Seconds(1)).code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(PredictTest, AModelOfAnotherTypeIsRefused) {
  core_.Put("text", 1, std::make_shared<std::string>("no model"));
  tfs::PredictRequest request = Request("", {"x"});
  request.mutable_model_spec()->set_name("text");
  ExpectError(request, absl::StatusCode::kInvalidArgument,
              "Servable type doesn't match the asked for type.");
}

TEST_F(PredictTest, AnUnknownModelIsNotFound) {
  tfs::PredictRequest request = Request("", {"x"});
  request.mutable_model_spec()->mutable_version()->set_value(7);
  ExpectError(request, absl::StatusCode::kNotFound,
              "Servable not found for request: Specific(m, 7); versions served: 3");
}

TEST_F(PredictTest, RequestsInParallelShareOneCallable) {
  std::vector<std::thread> threads;
  std::vector<absl::Status> results(8);
  const Predictor predictor(core_, models_, Clock::Real(), options_);
  for (absl::Status& result : results) {
    threads.emplace_back([&] {
      tfs::PredictResponse response;
      for (int i = 0; i < 20 && result.ok(); ++i) {
        result = predictor.Predict(Request("", {"x"}), absl::InfiniteFuture(), &response);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& result : results) EXPECT_TRUE(result.ok()) << result;
}

TEST_F(PredictTest, AReloadedVersionIsPreparedAnew) {
  ASSERT_TRUE(Predict(Request("", {"x"})).ok());
  core_.Put("m", 3, MakeGraphBundle());
  models_.Forget({"m", 3});
  EXPECT_TRUE(Predict(Request("", {"x"})).ok());
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/log_collector.h"
#include "tensorflow_serving/core/request_logger.h"
#include "tensorflow_serving/core/server_request_logger.h"
#include "tensorflow_serving/model_servers/server_core.h"
#include "tensorflow_serving/model_servers/test_util/server_core_test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::Fails;
using test_util::ListOfModels;
using test_util::Model;
using test_util::Spec;
using ::testing::ElementsAre;

// Its messages are those it is given.
class NotingCollector final : public LogCollector {
 public:
  explicit NotingCollector(std::vector<std::string>* notes) : notes_(notes) {}
  absl::Status CollectMessage(const google::protobuf::Message& message) override {
    notes_->push_back(static_cast<const ModelSpec&>(message).name());
    return absl::OkStatus();
  }
  absl::Status Flush() override { return absl::OkStatus(); }

 private:
  std::vector<std::string>* const notes_;
};

// Logs the request itself.
class RequestOnlyLogger final : public RequestLogger {
 public:
  using RequestLogger::RequestLogger;

 private:
  absl::Status CreateLogMessage(const google::protobuf::Message& request,
                                const google::protobuf::Message& response,
                                const LogMetadata& log_metadata,
                                std::unique_ptr<google::protobuf::Message>* log) override {
    log->reset(request.New());
    (*log)->CopyFrom(request);
    return absl::OkStatus();
  }
  LogMetadata FillLogMetadata(const LogMetadata& log_metadata) override { return log_metadata; }
};

// Logs the number of requests of a stream.
class CountingStreamLogger final : public StreamLogger<ModelSpec, ModelSpec> {
 public:
  void LogStreamRequest(ModelSpec request) override { ++num_requests_; }
  void LogStreamResponse(ModelSpec response) override {}

 private:
  absl::Status CreateLogMessage(const LogMetadata& log_metadata,
                                std::unique_ptr<google::protobuf::Message>* log) override {
    *log = std::make_unique<ModelSpec>(Spec(absl::StrCat(num_requests_, " requests")));
    return absl::OkStatus();
  }

  int num_requests_ = 0;
};

class ServerCoreLoggingTest : public test_util::ServerCoreTestBase {
 protected:
  ServerCore::Options LoggingOptions(const ModelServerConfig& config = {}) {
    ServerCore::Options options = MakeOptions(config);
    const absl::Status status = ServerRequestLogger::Create(
        [this](const LoggingConfig& logging_config, std::shared_ptr<RequestLogger>* logger) {
          if (logging_config.log_collector_config().type() == "none") {
            return absl::NotFoundError("no such collector");
          }
          *logger = std::make_shared<RequestOnlyLogger>(logging_config, std::vector<std::string>(),
                                                        std::make_unique<NotingCollector>(&notes_),
                                                        "", 0);
          return absl::OkStatus();
        },
        &options.server_request_logger);
    EXPECT_TRUE(status.ok()) << status;
    return options;
  }
  static ModelConfig LoggedModel(const std::string& name, const std::string& type = "notes") {
    ModelConfig model = Model(name);
    model.mutable_logging_config()->mutable_sampling_config()->set_sampling_rate(1.0);
    model.mutable_logging_config()->mutable_log_collector_config()->set_type(type);
    return model;
  }
  void Log(const std::string& model) {
    LogMetadata metadata;
    *metadata.mutable_model_spec() = Spec(model);
    const absl::Status status = core_->Log(Spec("asked " + model), ModelSpec(), metadata);
    EXPECT_TRUE(status.ok()) << status;
  }

  std::vector<std::string> notes_;
};

TEST_F(ServerCoreLoggingTest, LogsTheModelsThatTheConfigSays) {
  Aspire("m", {1});
  Aspire("n", {1});
  ASSERT_TRUE(
      ServerCore::Create(LoggingOptions(ListOfModels({LoggedModel("m"), Model("n")})), &core_)
          .ok());
  Log("m");
  Log("n");
  EXPECT_THAT(notes_, ElementsAre("asked m"));
  ASSERT_TRUE(core_->ReloadConfig(ListOfModels({Model("m"), LoggedModel("n")})).ok());
  Log("m");
  Log("n");
  EXPECT_THAT(notes_, ElementsAre("asked m", "asked n"));
}

TEST_F(ServerCoreLoggingTest, LogsAStreamAsOneMessage) {
  Aspire("m", {1});
  Aspire("n", {1});
  ASSERT_TRUE(
      ServerCore::Create(LoggingOptions(ListOfModels({LoggedModel("m"), Model("n")})), &core_)
          .ok());
  LogMetadata metadata;
  *metadata.mutable_model_spec() = Spec("m");
  const auto create = [] { return std::make_unique<CountingStreamLogger>(); };
  auto logger = core_->StartLoggingStream<ModelSpec, ModelSpec>(metadata, create);
  ASSERT_NE(logger, nullptr);
  logger->LogStreamRequest(Spec("a"));
  logger->LogStreamRequest(Spec("b"));
  EXPECT_TRUE(logger->LogMessage().ok());
  EXPECT_THAT(notes_, ElementsAre("2 requests"));
  *metadata.mutable_model_spec() = Spec("n");
  EXPECT_EQ((core_->StartLoggingStream<ModelSpec, ModelSpec>(metadata, create)), nullptr);
}

TEST_F(ServerCoreLoggingTest, RefusesLoggingWithoutALoggerBeforeAnythingIsLoaded) {
  Aspire("m", {1});
  EXPECT_THAT(Create(ListOfModels({LoggedModel("m")})),
              Fails(absl::StatusCode::kInvalidArgument, "No request-logger-creator provided."));
  EXPECT_EQ(loads().num_loads("/models/m/1"), 0);
  Log("m");  // to nobody
}

TEST_F(ServerCoreLoggingTest, KeepsLoggersAndModelsWhenANewLoggerCannotBeMade) {
  Aspire("m", {1});
  Aspire("n", {1});
  ASSERT_TRUE(ServerCore::Create(LoggingOptions(ListOfModels({LoggedModel("m")})), &core_).ok());
  EXPECT_THAT(core_->ReloadConfig(ListOfModels({LoggedModel("n", "none")})),
              Fails(absl::StatusCode::kNotFound, "no such collector"));
  Log("m");
  EXPECT_THAT(notes_, ElementsAre("asked m"));
  EXPECT_EQ(Ask(Spec("m")), "hello:/models/m/1");
  EXPECT_EQ(loads().num_loads("/models/n/1"), 0);
}

TEST_F(ServerCoreLoggingTest, KeepsLoggersWhenTheSourceRefusesTheList) {
  Aspire("m", {1});
  ASSERT_TRUE(ServerCore::Create(LoggingOptions(ListOfModels({LoggedModel("m")})), &core_).ok());
  RefuseUpdatesWith(absl::InvalidArgumentError("no such bucket"));
  EXPECT_FALSE(core_->ReloadConfig(ListOfModels({Model("m")})).ok());
  Log("m");
  EXPECT_THAT(notes_, ElementsAre("asked m"));
}

TEST_F(ServerCoreLoggingTest, LeavesLoggersToTheUpdaterAndTakesItBackOnFailure) {
  Aspire("m", {1});
  Aspire("n", {1});
  ServerCore::Options options = MakeOptions(ListOfModels({LoggedModel("m")}));
  std::vector<std::string> updates;
  options.server_request_logger_updater = [&](const ModelServerConfig& config,
                                              ServerRequestLogger* logger) {
    EXPECT_NE(logger, nullptr);
    updates.push_back(config.model_config_list().config(0).name());
    return updates.back() == "bad" ? absl::NotFoundError("no logger") : absl::OkStatus();
  };
  ASSERT_TRUE(ServerCore::Create(std::move(options), &core_).ok());
  EXPECT_THAT(core_->ReloadConfig(ListOfModels({Model("bad")})),
              Fails(absl::StatusCode::kNotFound, "no logger"));
  RefuseUpdatesWith(absl::InvalidArgumentError("no such bucket"));
  EXPECT_FALSE(core_->ReloadConfig(ListOfModels({Model("n")})).ok());
  EXPECT_THAT(updates, ElementsAre("m", "bad", "n", "m"));
  EXPECT_EQ(Ask(Spec("m")), "hello:/models/m/1");
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

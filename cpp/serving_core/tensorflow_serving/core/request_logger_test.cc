// SPDX-License-Identifier: Apache-2.0
// Tests of log collectors, request loggers and the loggers of a server.
#include "tensorflow_serving/core/request_logger.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/apis/predict.pb.h"
#include "tensorflow_serving/core/server_request_logger.h"

namespace tensorflow {
namespace serving {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

// What all collectors of a test were given: "collector: message".
class Journal {
 public:
  void Add(const std::string& collector, const google::protobuf::Message& message) {
    absl::MutexLock lock(&mu_);
    lines_.push_back(
        absl::StrCat(collector, ": ", static_cast<const LogCollectorConfig&>(message).type()));
  }
  std::vector<std::string> Take() {
    absl::MutexLock lock(&mu_);
    return std::exchange(lines_, {});
  }

 private:
  absl::Mutex mu_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mu_);
};

class JournalCollector final : public LogCollector {
 public:
  JournalCollector(std::string name, Journal* journal, absl::Status status = absl::OkStatus())
      : name_(std::move(name)), journal_(journal), status_(std::move(status)) {}

  absl::Status CollectMessage(const google::protobuf::Message& message) override {
    journal_->Add(name_, message);
    return status_;
  }
  absl::Status Flush() override { return absl::OkStatus(); }

 private:
  const std::string name_;
  Journal* const journal_;
  const absl::Status status_;
};

// Its messages are LogCollectorConfigs, with "request>response, model, tags, rate, dc" as the type.
LogCollectorConfig MessageOf(const std::string& exchange, const LogMetadata& metadata) {
  LogCollectorConfig message;
  message.set_type(absl::StrCat(
      exchange, ", ", metadata.model_spec().name(), ", ", metadata.saved_model_tags_size(),
      " tags, rate ", metadata.sampling_config().sampling_rate(), ", in ", metadata.dc()));
  return message;
}

class TestLogger final : public RequestLogger {
 public:
  using RequestLogger::RequestLogger;

  std::atomic<bool> makes_nothing{false};

 private:
  absl::Status CreateLogMessage(const google::protobuf::Message& request,
                                const google::protobuf::Message& response,
                                const LogMetadata& log_metadata,
                                std::unique_ptr<google::protobuf::Message>* log) override {
    if (makes_nothing) return absl::OkStatus();
    const auto& from = static_cast<const PredictRequest&>(request).model_spec().name();
    const auto& to = static_cast<const PredictResponse&>(response).model_spec().name();
    if (from.empty()) return absl::InvalidArgumentError("nothing to log");
    *log = std::make_unique<LogCollectorConfig>(MessageOf(from + ">" + to, log_metadata));
    return absl::OkStatus();
  }
  LogMetadata FillLogMetadata(const LogMetadata& log_metadata) override {
    LogMetadata filled = log_metadata;
    filled.set_dc("filled");
    return filled;
  }
};

PredictRequest Request(const std::string& text) {
  PredictRequest request;
  request.mutable_model_spec()->set_name(text);
  return request;
}
PredictResponse Response(const std::string& text) {
  PredictResponse response;
  response.mutable_model_spec()->set_name(text);
  return response;
}
LogMetadata MetadataOf(const std::string& model) {
  LogMetadata metadata;
  metadata.mutable_model_spec()->set_name(model);
  return metadata;
}
LoggingConfig ConfigOf(const std::string& collector, double sampling_rate) {
  LoggingConfig config;
  config.mutable_log_collector_config()->set_type(collector);
  config.mutable_sampling_config()->set_sampling_rate(sampling_rate);
  return config;
}

// How many of `tries` requests a logger in ("dc", task 3) logs.
int CountLogged(const LoggingConfig& config, int tries) {
  Journal journal;
  TestLogger logger(config, {}, std::make_unique<JournalCollector>("c", &journal), "dc", 3);
  for (int i = 0; i < tries; ++i) {
    EXPECT_TRUE(logger.Log(Request("q"), Response("a"), MetadataOf("m")).ok());
  }
  return static_cast<int>(journal.Take().size());
}

TEST(RequestLoggerTest, CollectsAMessageWithTagsSamplingAndWhatTheLoggerFillsIn) {
  Journal journal;
  TestLogger logger(ConfigOf("c", 1), {"serve", "gpu"},
                    std::make_unique<JournalCollector>("c", &journal), "", 0);
  ASSERT_TRUE(logger.Log(Request("q"), Response("a"), MetadataOf("m")).ok());
  EXPECT_THAT(journal.Take(), ElementsAre("c: q>a, m, 2 tags, rate 1, in filled"));
  EXPECT_THAT(logger.saved_model_tags(), ElementsAre("serve", "gpu"));
  EXPECT_EQ(logger.logging_config().log_collector_config().type(), "c");
}

TEST(RequestLoggerTest, HandsErrorsOn) {
  Journal journal;
  TestLogger logger(
      ConfigOf("c", 1), {},
      std::make_unique<JournalCollector>("c", &journal, absl::ResourceExhaustedError("full")), "",
      0);
  EXPECT_EQ(logger.Log(Request("q"), Response("a"), MetadataOf("m")),
            absl::ResourceExhaustedError("full"));
  EXPECT_EQ(logger.Log(Request(""), Response("a"), MetadataOf("m")),
            absl::InvalidArgumentError("nothing to log"));
  logger.makes_nothing = true;
  EXPECT_TRUE(absl::IsInternal(logger.Log(Request("q"), Response("a"), MetadataOf("m"))));
}

TEST(RequestLoggerTest, LogsAllNoneOrTheShareThatTheRateSays) {
  EXPECT_EQ(CountLogged(ConfigOf("c", 1), 100), 100);
  EXPECT_EQ(CountLogged(ConfigOf("c", 7), 100), 100);
  EXPECT_EQ(CountLogged(ConfigOf("c", 0), 100), 0);
  EXPECT_EQ(CountLogged(ConfigOf("c", -1), 100), 0);
  // 15 standard deviations of room.
  EXPECT_NEAR(CountLogged(ConfigOf("c", 0.25), 10000), 2500, 650);
}

TEST(RequestLoggerTest, TheFirstRateMeantForTheTaskReplacesTheGeneralOne) {
  const auto count = [](const std::string& dc, int task_index, bool is_for_all_tasks) {
    LoggingConfig config = ConfigOf("c", 0);
    auto* per_task = config.mutable_sampling_config()->add_per_task_sampling_configs();
    per_task->set_dc(dc);
    if (!is_for_all_tasks) per_task->set_task_index(task_index);
    per_task->set_sampling_rate(1);
    // Meant for all, but too late.
    per_task = config.mutable_sampling_config()->add_per_task_sampling_configs();
    per_task->set_sampling_rate(0);
    return CountLogged(config, 1);
  };
  EXPECT_EQ(count("dc", 3, false), 1);
  EXPECT_EQ(count("", 3, false), 1);
  EXPECT_EQ(count("dc", 0, true), 1);
  EXPECT_EQ(count("", 0, true), 1);
  EXPECT_EQ(count("other", 3, false), 0);
  EXPECT_EQ(count("dc", 0, false), 0);
}

class ServerRequestLoggerTest : public ::testing::Test {
 protected:
  ServerRequestLoggerTest() {
    EXPECT_TRUE(ServerRequestLogger::Create(
                    [this](const LoggingConfig& config, std::shared_ptr<RequestLogger>* logger) {
                      const std::string& type = config.log_collector_config().type();
                      if (type == "bad") return absl::NotFoundError("no such collector");
                      const absl::Status status =
                          type == "full" ? absl::ResourceExhaustedError("full") : absl::OkStatus();
                      ++num_created_;
                      if (type != "null") {
                        *logger = std::make_shared<TestLogger>(
                            config, std::vector<std::string>(),
                            std::make_unique<JournalCollector>(type, &journal_, status), "", 0);
                      }
                      return absl::OkStatus();
                    },
                    &logger_)
                    .ok());
  }

  absl::Status Log(const std::string& model) {
    return logger_->Log(Request("q"), Response("a"), MetadataOf(model));
  }

  Journal journal_;
  std::atomic<int> num_created_{0};
  std::unique_ptr<ServerRequestLogger> logger_;
};

TEST_F(ServerRequestLoggerTest, LogsWithTheLoggersOfTheModelAndNoOthers) {
  ASSERT_TRUE(logger_
                  ->Update({{"m", {ConfigOf("c1", 1), ConfigOf("c2", 1), ConfigOf("c3", 0)}},
                            {"n", {ConfigOf("c4", 1)}},
                            {"o", {}}})
                  .ok());
  EXPECT_TRUE(Log("m").ok());
  EXPECT_THAT(journal_.Take(),
              UnorderedElementsAre(StartsWith("c1: q>a, m,"), StartsWith("c2: q>a, m,")));
  EXPECT_TRUE(Log("n").ok());
  EXPECT_THAT(journal_.Take(), ElementsAre(StartsWith("c4: q>a, n,")));
  EXPECT_TRUE(Log("o").ok());
  EXPECT_TRUE(Log("unknown").ok());
  EXPECT_THAT(journal_.Take(), IsEmpty());
}

TEST_F(ServerRequestLoggerTest, LogsNothingBeforeTheFirstUpdateAndAfterAnEmptyOne) {
  EXPECT_TRUE(Log("m").ok());
  ASSERT_TRUE(logger_->Update({{"m", {ConfigOf("c", 1)}}}).ok());
  ASSERT_TRUE(logger_->Update({}).ok());
  EXPECT_TRUE(Log("m").ok());
  EXPECT_THAT(journal_.Take(), IsEmpty());
}

TEST_F(ServerRequestLoggerTest, EqualConfigsShareOneLoggerAlsoFromUpdateToUpdate) {
  ASSERT_TRUE(logger_->Update({{"m", {ConfigOf("c", 1)}}, {"n", {ConfigOf("c", 1)}}}).ok());
  EXPECT_EQ(num_created_, 1);
  ASSERT_TRUE(logger_->Update({{"m", {ConfigOf("c", 1), ConfigOf("c", 0.5)}}}).ok());
  EXPECT_EQ(num_created_, 2);
}

TEST_F(ServerRequestLoggerTest, AnUpdateThatFailsChangesNothing) {
  ASSERT_TRUE(logger_->Update({{"m", {ConfigOf("c", 1)}}}).ok());
  EXPECT_EQ(logger_->Update({{"a", {ConfigOf("d", 1)}}, {"m", {ConfigOf("bad", 1)}}}),
            absl::NotFoundError("no such collector"));
  EXPECT_TRUE(absl::IsInternal(logger_->Update({{"m", {ConfigOf("null", 1)}}})));
  EXPECT_TRUE(Log("m").ok());
  EXPECT_TRUE(Log("a").ok());
  EXPECT_THAT(journal_.Take(), ElementsAre(StartsWith("c: q>a, m,")));
}

TEST_F(ServerRequestLoggerTest, AnUpdateInTwoStepsTakesEffectWithTheSecond) {
  ServerRequestLogger::UpdateRequest update;
  ASSERT_TRUE(logger_->CreateUpdateRequest({{"m", {ConfigOf("c", 1)}}}, &update).ok());
  EXPECT_TRUE(Log("m").ok());
  EXPECT_THAT(journal_.Take(), IsEmpty());
  logger_->ApplyUpdateRequest(update);
  EXPECT_TRUE(Log("m").ok());
  EXPECT_THAT(journal_.Take().size(), 1);
}

TEST_F(ServerRequestLoggerTest, ALoggerThatFailsDoesNotKeepTheOthersFromLogging) {
  ASSERT_TRUE(logger_->Update({{"m", {ConfigOf("full", 1), ConfigOf("c", 1)}}}).ok());
  EXPECT_EQ(Log("m"), absl::ResourceExhaustedError("full"));
  EXPECT_EQ(journal_.Take().size(), 2);
}

TEST_F(ServerRequestLoggerTest, NeedsACreatorOnlyForLogging) {
  ASSERT_TRUE(ServerRequestLogger::Create(nullptr, &logger_).ok());
  EXPECT_TRUE(logger_->Update({}).ok());
  EXPECT_EQ(logger_->Update({{"m", {ConfigOf("c", 1)}}}),
            absl::InvalidArgumentError("No request-logger-creator provided."));
}

TEST_F(ServerRequestLoggerTest, LogsFromManyThreadsWhileTheLoggersAreReplaced) {
  std::vector<std::thread> threads;
  absl::Notification updated;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!updated.HasBeenNotified()) EXPECT_TRUE(Log("m").ok());
    });
  }
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(logger_->Update({{"m", {ConfigOf(absl::StrCat("c", i), 1)}}}).ok());
  }
  updated.Notify();
  for (std::thread& thread : threads) thread.join();
  journal_.Take();
  EXPECT_TRUE(Log("m").ok());
  EXPECT_THAT(journal_.Take(), ElementsAre(StartsWith("c199: ")));
}

// Joins the texts of a stream.
class TestStreamLogger final : public StreamLogger<PredictRequest, PredictResponse> {
 public:
  void LogStreamRequest(PredictRequest request) override {
    exchange_ += request.model_spec().name() + ">";
  }
  void LogStreamResponse(PredictResponse response) override {
    exchange_ += response.model_spec().name() + ";";
  }

 private:
  absl::Status CreateLogMessage(const LogMetadata& log_metadata,
                                std::unique_ptr<google::protobuf::Message>* log) override {
    if (exchange_.empty()) return absl::InvalidArgumentError("an empty stream");
    *log = std::make_unique<LogCollectorConfig>(MessageOf(exchange_, log_metadata));
    return absl::OkStatus();
  }

  std::string exchange_;
};

std::unique_ptr<StreamLogger<PredictRequest, PredictResponse>> MakeStreamLogger() {
  return std::make_unique<TestStreamLogger>();
}

TEST_F(ServerRequestLoggerTest, LogsAStreamAtItsEndWithTheLoggersOfItsBeginning) {
  ASSERT_TRUE(logger_->Update({{"m", {ConfigOf("c1", 1), ConfigOf("c2", 1)}}}).ok());
  const auto stream = logger_->StartLoggingStream<PredictRequest, PredictResponse>(
      MetadataOf("m"), MakeStreamLogger);
  stream->LogStreamRequest(Request("q1"));
  stream->LogStreamResponse(Response("a1"));
  stream->LogStreamResponse(Response("a2"));
  ASSERT_TRUE(logger_->Update({}).ok());
  EXPECT_THAT(journal_.Take(), IsEmpty());
  EXPECT_TRUE(stream->LogMessage().ok());
  EXPECT_THAT(journal_.Take(), ElementsAre("c1: q1>a1;a2;, m, 0 tags, rate 1, in filled",
                                           "c2: q1>a1;a2;, m, 0 tags, rate 1, in filled"));
}

TEST_F(ServerRequestLoggerTest, MakesNoStreamLoggerForAStreamThatNobodyLogs) {
  ASSERT_TRUE(logger_->Update({{"m", {ConfigOf("c", 0)}}}).ok());
  for (const char* model : {"m", "unknown"}) {
    const auto stream = logger_->StartLoggingStream<PredictRequest, PredictResponse>(
        MetadataOf(model), []() -> std::unique_ptr<TestStreamLogger> {
          ADD_FAILURE() << "made a logger for nobody";
          return nullptr;
        });
    EXPECT_EQ(stream, nullptr);
  }
}

TEST_F(ServerRequestLoggerTest, AStreamHandsItsErrorsOn) {
  ASSERT_TRUE(logger_->Update({{"m", {ConfigOf("full", 1), ConfigOf("c", 1)}}}).ok());
  const auto stream = logger_->StartLoggingStream<PredictRequest, PredictResponse>(
      MetadataOf("m"), MakeStreamLogger);
  EXPECT_EQ(stream->LogMessage(), absl::InvalidArgumentError("an empty stream"));
  stream->LogStreamRequest(Request("q"));
  EXPECT_EQ(stream->LogMessage(), absl::ResourceExhaustedError("full"));
  EXPECT_EQ(journal_.Take().size(), 2);
}

Journal& RegisteredJournal() {
  static Journal* const journal = new Journal;
  return *journal;
}
absl::Status MakeRegistered(const LogCollectorConfig& config, const uint32_t id,
                            std::unique_ptr<LogCollector>* log_collector) {
  if (config.filename_prefix().empty()) return absl::InvalidArgumentError("where to?");
  *log_collector = std::make_unique<JournalCollector>(absl::StrCat(config.filename_prefix(), id),
                                                      &RegisteredJournal());
  return absl::OkStatus();
}
REGISTER_LOG_COLLECTOR("registered_in_a_test", MakeRegistered);

TEST(LogCollectorTest, MakesWhatWasRegisteredForTheType) {
  LogCollectorConfig config;
  config.set_type("registered_in_a_test");
  std::unique_ptr<LogCollector> collector;
  EXPECT_EQ(LogCollector::Create(config, 5, &collector), absl::InvalidArgumentError("where to?"));
  config.set_filename_prefix("/log-");
  ASSERT_TRUE(LogCollector::Create(config, 5, &collector).ok());
  ASSERT_TRUE(collector->CollectMessage(config).ok());
  EXPECT_TRUE(collector->Flush().ok());
  EXPECT_THAT(RegisteredJournal().Take(), ElementsAre("/log-5: registered_in_a_test"));
}

TEST(LogCollectorTest, NamesATypeThatIsUnknownOrTaken) {
  LogCollectorConfig config;
  config.set_type("nobody");
  std::unique_ptr<LogCollector> collector;
  EXPECT_EQ(LogCollector::Create(config, 0, &collector),
            absl::NotFoundError("Cannot find LogCollector::Factory for type: nobody"));
  EXPECT_EQ(LogCollector::RegisterFactory("registered_in_a_test", MakeRegistered),
            absl::AlreadyExistsError("Type registered_in_a_test already registered."));
  EXPECT_DEATH(internal::RegisterLogCollectorOrDie("registered_in_a_test", MakeRegistered),
               "already registered");
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

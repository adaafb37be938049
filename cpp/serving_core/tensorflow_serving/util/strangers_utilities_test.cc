// SPDX-License-Identifier: Apache-2.0
// As strangers_plugin_test.cc, for the utilities and for request logging, and from a namespace of
// the strangers' own.
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow_serving/apis/logging.pb.h"
#include "tensorflow_serving/apis/model.pb.h"
#include "tensorflow_serving/apis/status.pb.h"
#include "tensorflow_serving/config/log_collector_config.pb.h"
#include "tensorflow_serving/config/logging_config.pb.h"
#include "tensorflow_serving/core/log_collector.h"
#include "tensorflow_serving/core/request_logger.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/core/server_request_logger.h"
#include "tensorflow_serving/core/stream_logger.h"
#include "tensorflow_serving/util/any_ptr.h"
#include "tensorflow_serving/util/class_registration.h"
#include "tensorflow_serving/util/class_registration_util.h"
#include "tensorflow_serving/util/event_bus.h"
#include "tensorflow_serving/util/executor.h"
#include "tensorflow_serving/util/fast_read_dynamic_ptr.h"
#include "tensorflow_serving/util/file_probing_env.h"
#include "tensorflow_serving/util/hash.h"
#include "tensorflow_serving/util/inline_executor.h"
#include "tensorflow_serving/util/observer.h"
#include "tensorflow_serving/util/proto_util.h"
#include "tensorflow_serving/util/retrier.h"
#include "tensorflow_serving/util/status_util.h"
#include "tensorflow_serving/util/threadpool_executor.h"
#include "tensorflow_serving/util/unique_ptr_with_deps.h"

namespace acme {
namespace {

namespace tfs = ::tensorflow::serving;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST(StrangersUtilitiesTest, PublishToSubscribersForAsLongAsTheyListen) {
  using Bus = tfs::EventBus<std::string>;
  Bus::Options options;
  options.env = ::tensorflow::Env::Default();
  const std::shared_ptr<Bus> bus = Bus::CreateEventBus(options);
  std::vector<std::string> heard;
  const Bus::Callback callback = [&](const Bus::EventAndTime& event_and_time) {
    EXPECT_GT(event_and_time.event_time_micros, uint64_t{0});
    heard.push_back(event_and_time.event);
  };
  std::unique_ptr<Bus::Subscription> subscription = bus->Subscribe(callback);
  bus->Publish("one");
  subscription = nullptr;
  bus->Publish("two");
  EXPECT_THAT(heard, ElementsAre("one"));
}

TEST(StrangersUtilitiesTest, ObserveOnceAndInLists) {
  int sum = 0;
  tfs::ObserverList<int> list;
  std::function<void(int)> notifier;
  {
    tfs::Observer<int> observer([&](int addend) { sum += addend; });
    list.Add(observer);
    notifier = observer.Notifier();
    notifier(1);
    list.Notify(10);
  }
  notifier(100);
  list.Notify(1000);
  list.Clear();
  EXPECT_EQ(sum, 11);
}

TEST(StrangersUtilitiesTest, HoldPointersOfAnyType) {
  int number = 1;
  tfs::AnyPtr any_ptr(&number);
  EXPECT_EQ(any_ptr.get<int>(), &number);
  EXPECT_EQ(any_ptr.get<const int>(), nullptr);
  any_ptr = nullptr;
  tfs::UniqueAnyPtr unique{std::unique_ptr<std::string>(new std::string("x"))};
  tfs::UniqueAnyPtr other;
  other.swap(unique);
  EXPECT_EQ(*other.get<std::string>(), "x");
  EXPECT_EQ(other.as_any_ptr().get<std::string>(), other.get<std::string>());

  tfs::UniquePtrWithDeps<std::string> owner(new std::string("owned"));
  EXPECT_EQ(*owner.AddDependency(std::unique_ptr<int>(new int(2))), 2);
  owner.SetOwnedPtr(new std::string("instead"));
  EXPECT_EQ(owner->size() + (*owner).size(), 2 * owner.get()->size());

  tfs::FastReadDynamicPtr<std::string> fast(std::unique_ptr<std::string>(new std::string("old")));
  {
    const tfs::FastReadDynamicPtr<std::string>::ReadPtr reader = fast.get();
    EXPECT_EQ(*reader, "old");
  }
  EXPECT_EQ(*fast.Update(std::unique_ptr<std::string>(new std::string("new"))), "old");
}

TEST(StrangersUtilitiesTest, RunClosuresAndRetry) {
  std::atomic<int> num_runs{0};
  {
    tfs::ThreadPoolExecutor pool(::tensorflow::Env::Default(), "acme", 2);
    tfs::InlineExecutor here;
    for (tfs::Executor* executor : std::vector<tfs::Executor*>{&pool, &here}) {
      executor->Schedule([&] { ++num_runs; });
    }
  }
  EXPECT_EQ(num_runs, 2);
  EXPECT_TRUE(tfs::Retry("acme's work", 2, -1, [&] {
                return ++num_runs < 5 ? absl::UnavailableError("later") : absl::OkStatus();
              }).ok());
  EXPECT_TRUE(absl::IsAborted(tfs::Retry(
      "acme's play", 9, 0, [] { return absl::AbortedError("never"); },
      [](absl::Status status) { return !absl::IsAborted(status); })));
  EXPECT_EQ(tfs::HashCombine(1, 2), tfs::HashCombine(1, 2));
}

// A file system of one file.
class TinyEnv : public tfs::FileProbingEnv {
 public:
  absl::Status FileExists(absl::string_view fname) override { return absl::OkStatus(); }
  absl::Status GetChildren(const std::string& dir, std::vector<std::string>* children) override {
    *children = {"file"};
    return absl::OkStatus();
  }
  absl::Status IsDirectory(const std::string& fname) override { return absl::OkStatus(); }
  absl::Status GetFileSize(const std::string& fname, uint64_t* file_size) override {
    *file_size = 1;
    return absl::OkStatus();
  }
};

TEST(StrangersUtilitiesTest, ProbeFilesAndReadProtos) {
  tfs::TensorflowFileProbingEnv tensorflow_env(::tensorflow::Env::Default());
  TinyEnv tiny_env;
  for (tfs::FileProbingEnv* env : std::vector<tfs::FileProbingEnv*>{&tensorflow_env, &tiny_env}) {
    std::vector<std::string> children;
    EXPECT_TRUE(env->GetChildren(::testing::TempDir(), &children).ok());
    EXPECT_TRUE(env->IsDirectory(::testing::TempDir()).ok());
  }
  tfs::LogCollectorConfig config;
  const absl::Status missing = tfs::ParseProtoTextFile(::testing::TempDir() + "/none", &config);
  const tfs::StatusProto proto = tfs::ToStatusProto(missing);
  EXPECT_EQ(tfs::FromStatusProto(proto).code(), missing.code());
}

// A registry of the strangers' own.
class Tool {
 public:
  virtual ~Tool() = default;
  virtual int weight() const = 0;
};
DEFINE_CLASS_REGISTRY(ToolRegistry, Tool, int);
class Hammer final : public Tool {
 public:
  static absl::Status Create(const tfs::LogCollectorConfig& config, int weight,
                             std::unique_ptr<Tool>* result) {
    result->reset(new Hammer(weight));
    return absl::Status();
  }
  explicit Hammer(int weight) : weight_(weight) {}
  int weight() const override { return weight_; }

 private:
  const int weight_;
};
REGISTER_CLASS(ToolRegistry, Tool, Hammer, tfs::LogCollectorConfig, int);

TEST(StrangersUtilitiesTest, RegisterClasses) {
  std::unique_ptr<Tool> tool;
  ASSERT_TRUE(ToolRegistry::Create(tfs::LogCollectorConfig(), 7, &tool).ok());
  EXPECT_EQ(tool->weight(), 7);
  std::string type;
  ASSERT_TRUE(tfs::ParseUrlForAnyType("type.googleapis.com/acme.Tool", &type).ok());
  EXPECT_EQ(type, "acme.Tool");
}

// Keeps what is logged in memory.
class MemoryCollector : public tfs::LogCollector {
 public:
  static absl::Status Create(const tfs::LogCollectorConfig& config, const uint32_t id,
                             std::unique_ptr<tfs::LogCollector>* collector) {
    collector->reset(new MemoryCollector);
    return absl::Status();
  }
  static std::vector<std::string>& Kept() {
    static auto* const kept = new std::vector<std::string>;
    return *kept;
  }
  absl::Status CollectMessage(const google::protobuf::Message& message) override {
    Kept().push_back(static_cast<const tfs::ModelSpec&>(message).name());
    return absl::Status();
  }
  absl::Status Flush() override { return absl::Status(); }
};
REGISTER_LOG_COLLECTOR("acme", MemoryCollector::Create);

class SpecLogger : public tfs::RequestLogger {
 public:
  using tfs::RequestLogger::RequestLogger;

 private:
  absl::Status CreateLogMessage(const google::protobuf::Message& request,
                                const google::protobuf::Message& response,
                                const tfs::LogMetadata& log_metadata,
                                std::unique_ptr<google::protobuf::Message>* log) override {
    log->reset(new tfs::ModelSpec(log_metadata.model_spec()));
    return absl::Status();
  }
  tfs::LogMetadata FillLogMetadata(const tfs::LogMetadata& log_metadata) override {
    return log_metadata;
  }
};

class SpecStreamLogger : public tfs::StreamLogger<tfs::ModelSpec, tfs::ModelSpec> {
 public:
  void LogStreamRequest(tfs::ModelSpec request) override { joined_ += request.name(); }
  void LogStreamResponse(tfs::ModelSpec response) override { joined_ += response.name(); }

 private:
  absl::Status CreateLogMessage(const tfs::LogMetadata& log_metadata,
                                std::unique_ptr<google::protobuf::Message>* log) override {
    std::unique_ptr<tfs::ModelSpec> spec(new tfs::ModelSpec);
    spec->set_name(joined_);
    *log = std::move(spec);
    return absl::Status();
  }

  std::string joined_;
};

absl::Status MakeSpecLogger(const tfs::LoggingConfig& config,
                            std::shared_ptr<tfs::RequestLogger>* logger) {
  std::unique_ptr<tfs::LogCollector> collector;
  absl::Status status = tfs::LogCollector::Create(config.log_collector_config(), 0, &collector);
  if (!status.ok()) return status;
  *logger = std::make_shared<SpecLogger>(config, std::vector<std::string>{"serve"},
                                         std::move(collector), "", 0);
  return status;
}

TEST(StrangersUtilitiesTest, LogRequestsAndStreams) {
  std::unique_ptr<tfs::ServerRequestLogger> logger;
  ASSERT_TRUE(tfs::ServerRequestLogger::Create(MakeSpecLogger, &logger).ok());
  tfs::LoggingConfig config;
  config.mutable_log_collector_config()->set_type("acme");
  config.mutable_sampling_config()->set_sampling_rate(1.0);
  const std::map<std::string, std::vector<tfs::LoggingConfig>> configs = {{"m", {config}}};
  ASSERT_TRUE(logger->Update(configs).ok());
  tfs::LogMetadata metadata;
  metadata.mutable_model_spec()->set_name("m");
  ASSERT_TRUE(logger->Log(tfs::ModelSpec(), tfs::ModelSpec(), metadata).ok());
  const tfs::ServerRequestLogger::CreateStreamLoggerFn<tfs::ModelSpec, tfs::ModelSpec> create = [] {
    return std::unique_ptr<SpecStreamLogger>(new SpecStreamLogger);
  };
  auto stream = logger->StartLoggingStream<tfs::ModelSpec, tfs::ModelSpec>(metadata, create);
  stream->LogStreamRequest(metadata.model_spec());
  stream->LogStreamResponse(metadata.model_spec());
  ASSERT_TRUE(stream->LogMessage().ok());
  EXPECT_THAT(std::exchange(MemoryCollector::Kept(), {}), UnorderedElementsAre("m", "mm"));
}

}  // namespace
}  // namespace acme

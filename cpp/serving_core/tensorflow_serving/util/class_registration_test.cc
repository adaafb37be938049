// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/util/class_registration.h"

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/dynamic_message.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/config/log_collector_config.pb.h"
#include "tensorflow_serving/config/logging_config.pb.h"

namespace somebody_else {

using ::tensorflow::serving::LogCollectorConfig;
using ::tensorflow::serving::LoggingConfig;
using ::tensorflow::serving::SamplingConfig;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Shape {
  virtual ~Shape() = default;
  std::string made_of;
};
DEFINE_CLASS_REGISTRY(ShapeRegistry, Shape);

struct CircleCreator {
  static absl::Status Create(const LogCollectorConfig& config, std::unique_ptr<Shape>* result) {
    if (config.type().empty()) return absl::FailedPreconditionError("circle without type");
    *result = std::make_unique<Shape>();
    (*result)->made_of = "circle " + config.type();
    return absl::OkStatus();
  }
};
REGISTER_CLASS(ShapeRegistry, Shape, CircleCreator, LogCollectorConfig);

// Comes second for the same config, and must lose.
struct LateCreator {
  static absl::Status Create(const LogCollectorConfig&, std::unique_ptr<Shape>*) {
    return absl::InternalError("the second registration won");
  }
};
REGISTER_CLASS(ShapeRegistry, Shape, LateCreator, LogCollectorConfig);

template <typename A, typename B>
struct SquareCreator {
  static absl::Status Create(const SamplingConfig&, std::unique_ptr<Shape>* result) {
    *result = std::make_unique<Shape>();
    (*result)->made_of = "square";
    return absl::OkStatus();
  }
};
REGISTER_CLASS(ShapeRegistry, Shape, SquareCreator<int TFS_COMMA char>, SamplingConfig);

// With more to tell the factory, a move-only thing and a type with a comma among it.
DEFINE_CLASS_REGISTRY(LabelledRegistry, Shape, std::unique_ptr<int>,
                      const std::map<int TFS_COMMA std::string>&);
struct LabelledCreator {
  static absl::Status Create(const SamplingConfig&, std::unique_ptr<int> key,
                             const std::map<int, std::string>& labels,
                             std::unique_ptr<Shape>* result) {
    *result = std::make_unique<Shape>();
    (*result)->made_of = labels.at(*key);
    return absl::OkStatus();
  }
};
REGISTER_CLASS(LabelledRegistry, Shape, LabelledCreator, SamplingConfig, std::unique_ptr<int>,
               const std::map<int TFS_COMMA std::string>&);

LogCollectorConfig CircleConfig(const std::string& type) {
  LogCollectorConfig config;
  config.set_type(type);
  return config;
}

std::string MadeFrom(const google::protobuf::Message& config) {
  std::unique_ptr<Shape> shape;
  const absl::Status status = ShapeRegistry::Create(config, &shape);
  return status.ok() ? shape->made_of : status.ToString();
}

std::string MadeFromAny(const std::string& type_url, const std::string& value) {
  google::protobuf::Any any;
  any.set_type_url(type_url);
  any.set_value(value);
  std::unique_ptr<Shape> shape;
  const absl::Status status = ShapeRegistry::CreateFromAny(any, &shape);
  return status.ok() ? shape->made_of : status.ToString();
}

TEST(ClassRegistrationTest, MakesTheClassThatWasRegisteredFirstForTheConfigsType) {
  EXPECT_EQ(MadeFrom(CircleConfig("round")), "circle round");
  EXPECT_EQ(MadeFrom(SamplingConfig()), "square");
}

TEST(ClassRegistrationTest, HandsTheFactorysErrorOn) {
  EXPECT_EQ(MadeFrom(LogCollectorConfig()), "FAILED_PRECONDITION: circle without type");
}

TEST(ClassRegistrationTest, NamesTheTypeThatNobodyRegistered) {
  LoggingConfig config;
  config.mutable_log_collector_config()->set_type("round");
  EXPECT_THAT(MadeFrom(config),
              AllOf(StartsWith("INVALID_ARGUMENT: Couldn't find factory for config proto message "
                               "type tensorflow.serving.LoggingConfig\nconfig="),
                    HasSubstr("round")));
}

TEST(ClassRegistrationTest, UnpacksAConfigFromAny) {
  google::protobuf::Any any;
  any.PackFrom(CircleConfig("packed"));
  std::unique_ptr<Shape> shape;
  ASSERT_TRUE(ShapeRegistry::CreateFromAny(any, &shape).ok());
  EXPECT_EQ(shape->made_of, "circle packed");
  // Any prefix will do.
  EXPECT_EQ(MadeFromAny("a/b/tensorflow.serving.SamplingConfig", ""), "square");
}

TEST(ClassRegistrationTest, SaysWhatIsWrongWithAnAny) {
  for (const char* url : {"", "tensorflow.serving.SamplingConfig", "type.googleapis.com/"}) {
    EXPECT_EQ(
        MadeFromAny(url, ""),
        std::string("INVALID_ARGUMENT: Supplied config's type_url could not be parsed: ") + url);
  }
  EXPECT_EQ(MadeFromAny("x/no.such.Message", ""),
            "INTERNAL: Unable to find compiled-in proto descriptor of type no.such.Message");
  EXPECT_THAT(MadeFromAny("x/tensorflow.serving.SamplingConfig", "\xff"),
              StartsWith("INVALID_ARGUMENT: Malformed content of Any: "));
  EXPECT_THAT(MadeFromAny("x/tensorflow.serving.LoggingConfig", ""),
              StartsWith("INVALID_ARGUMENT: Couldn't find factory"));
}

TEST(ClassRegistrationTest, HandsAdditionalArgumentsToTheFactory) {
  std::unique_ptr<Shape> shape;
  ASSERT_TRUE(
      LabelledRegistry::Create(SamplingConfig(), std::make_unique<int>(7), {{7, "seven"}}, &shape)
          .ok());
  EXPECT_EQ(shape->made_of, "seven");
  google::protobuf::Any any;
  any.PackFrom(SamplingConfig());
  ASSERT_TRUE(
      LabelledRegistry::CreateFromAny(any, std::make_unique<int>(8), {{8, "eight"}}, &shape).ok());
  EXPECT_EQ(shape->made_of, "eight");
}

TEST(ClassRegistrationTest, KeepsRegistriesApart) {
  std::unique_ptr<Shape> shape;
  EXPECT_TRUE(absl::IsInvalidArgument(
      LabelledRegistry::Create(CircleConfig("round"), nullptr, {}, &shape)));
}

TEST(ClassRegistrationTest, ReadsAConfigThatWasMadeAtRunTime) {
  google::protobuf::DynamicMessageFactory factory;
  const std::unique_ptr<google::protobuf::Message> config(
      factory.GetPrototype(LogCollectorConfig::descriptor())->New());
  ASSERT_TRUE(config->ParseFromString(CircleConfig("dynamic").SerializeAsString()));
  EXPECT_EQ(MadeFrom(*config), "circle dynamic");
}

TEST(ClassRegistrationTest, RegistersAndCreatesFromManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int j = 0; j < 100; ++j) {
        ShapeRegistry::Register<LateCreator, LogCollectorConfig>();
        EXPECT_EQ(MadeFrom(CircleConfig("round")), "circle round");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ParseUrlForAnyTypeTest, TakesWhatFollowsTheLastSlash) {
  std::string type = "untouched";
  EXPECT_TRUE(
      absl::IsInvalidArgument(::tensorflow::serving::ParseUrlForAnyType("no slash", &type)));
  EXPECT_EQ(type, "untouched");
  ASSERT_TRUE(::tensorflow::serving::ParseUrlForAnyType("a/b/c.D", &type).ok());
  EXPECT_EQ(type, "c.D");
}

}  // namespace somebody_else

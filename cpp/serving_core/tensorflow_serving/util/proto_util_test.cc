// SPDX-License-Identifier: Apache-2.0
// Tests of what reads and makes protos.
#include "tensorflow_serving/util/proto_util.h"

#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "tensorflow_serving/config/log_collector_config.pb.h"
#include "tensorflow_serving/util/status_util.h"

namespace tensorflow {
namespace serving {
namespace {

std::string FileWith(const std::string& text) {
  const std::string path = ::testing::TempDir() + "/proto_util_test.txt";
  std::ofstream(path) << text;
  return path;
}

TEST(ParseProtoTextFileTest, ReadsTheTextFormat) {
  LogCollectorConfig config;
  ASSERT_TRUE(
      ParseProtoTextFile(FileWith("# comment\ntype: 'file' filename_prefix: \"/x\""), &config)
          .ok());
  EXPECT_EQ(config.type(), "file");
  EXPECT_EQ(config.filename_prefix(), "/x");
}

TEST(ParseProtoTextFileTest, NamesAFileThatDoesNotParse) {
  const std::string path = FileWith("type: 'file' no_such_field: 1");
  LogCollectorConfig config;
  EXPECT_EQ(ParseProtoTextFile(path, &config),
            absl::InvalidArgumentError("Invalid protobuf file: '" + path + "'"));
}

TEST(ParseProtoTextFileTest, SaysThatAFileIsMissing) {
  LogCollectorConfig config;
  const absl::Status status =
      ParseProtoTextFile(::testing::TempDir() + "/no_such_file.txt", &config);
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
}

TEST(StatusUtilTest, CarriesCodeAndMessageBothWays) {
  const StatusProto proto = ToStatusProto(absl::NotFoundError("gone"));
  EXPECT_EQ(proto.error_code(), error::NOT_FOUND);
  EXPECT_EQ(proto.error_message(), "gone");
  EXPECT_EQ(FromStatusProto(proto), absl::NotFoundError("gone"));
}

TEST(StatusUtilTest, OkIsTheEmptyMessage) {
  EXPECT_EQ(ToStatusProto(absl::OkStatus()).ByteSizeLong(), 0);
  EXPECT_TRUE(FromStatusProto(StatusProto()).ok());
}

TEST(StatusUtilTest, CodesThatAreNoneAreUnknown) {
  StatusProto proto;
  proto.set_error_code(static_cast<error::Code>(1234));
  proto.set_error_message("odd");
  EXPECT_EQ(FromStatusProto(proto).code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(ToStatusProto(FromStatusProto(proto)).error_code(), error::UNKNOWN);
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

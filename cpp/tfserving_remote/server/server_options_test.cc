// SPDX-License-Identifier: Apache-2.0
// Flags: the table and what the server makes of it.
#include "tfserving_remote/server/server_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;

constexpr int kCpus = 3;

absl::StatusOr<ServerOptions> Parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "--model_base_path=/models/m");
  return ParseServerOptions(arguments, kCpus);
}

std::string ParseError(std::vector<std::string> arguments) {
  const absl::StatusOr<ServerOptions> options = Parse(std::move(arguments));
  EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(options.status().message());
}

TEST(ServerOptionsTest, HasUpstreamsDefaults) {
  const ServerOptions options = *Parse({});
  EXPECT_EQ(options.port, 8500);
  EXPECT_EQ(options.model_name, "default");
  EXPECT_EQ(options.file_system_poll_wait_seconds, 1);
  EXPECT_EQ(options.load_retry_interval_micros, 60'000'000);
  EXPECT_EQ(options.saved_model_tags, "serve");
  EXPECT_EQ(options.grpc_max_threads, 4 * kCpus);
  EXPECT_FALSE(options.enable_signature_method_name_check);
  EXPECT_FALSE(options.allow_version_labels_for_unavailable_models);
  EXPECT_EQ(options.model_config_file_poll_wait_seconds, 0);
}

TEST(ServerOptionsTest, UnderstandsEveryWayToWriteAFlag) {
  EXPECT_EQ(Parse({"--port=1"})->port, 1);
  EXPECT_EQ(Parse({"--port", "2"})->port, 2);
  EXPECT_EQ(Parse({"-port=3"})->port, 3);
  EXPECT_EQ(Parse({"-port", "4"})->port, 4);
  EXPECT_EQ(Parse({"--port=5", "--port=6"})->port, 6);
  EXPECT_EQ(Parse({"--model_name="})->model_name, "");
}

TEST(ServerOptionsTest, UnderstandsEveryWayToWriteABoolean) {
  const auto value = [](std::vector<std::string> arguments) {
    return Parse(std::move(arguments))->enable_serialization_as_tensor_content;
  };
  const std::string flag = "--enable_serialization_as_tensor_content";
  EXPECT_TRUE(value({flag}));
  EXPECT_TRUE(value({flag + "=TRUE"}));
  EXPECT_TRUE(value({flag + "=1"}));
  EXPECT_FALSE(value({flag + "=False"}));
  EXPECT_FALSE(value({flag, "false"}));
  EXPECT_TRUE(value({flag, "--port=1"}));
  EXPECT_THAT(ParseError({flag + "=yes"}), HasSubstr("takes true or false, not \"yes\""));
}

TEST(ServerOptionsTest, ReadsNumbersStrictly) {
  for (const std::string value : {"12x", "", " 1", "1.5", "99999999999"}) {
    EXPECT_THAT(ParseError({"--port=" + value}), HasSubstr("--port takes a whole number"));
  }
  EXPECT_EQ(ParseError({"--port"}), "--port needs a value");
  EXPECT_THAT(ParseError({"--port=70000"}), HasSubstr("no TCP port"));
}

TEST(ServerOptionsTest, SuggestsTheNearestFlag) {
  EXPECT_EQ(ParseError({"--prot=1"}), "unknown flag --prot; did you mean --port?");
  EXPECT_EQ(ParseError({"--model_bas_path=x"}),
            "unknown flag --model_bas_path; did you mean --model_base_path?");
  EXPECT_EQ(ParseError({"--xyzzy"}), "unknown flag --xyzzy");
  EXPECT_EQ(ParseError({"serve"}), "\"serve\" is no flag: flags begin with --");
}

TEST(ServerOptionsTest, RefusesFlagsThatDoNotActYetUnlessTheyChangeNothing) {
  EXPECT_THAT(ParseError({"--enable_batching"}), HasSubstr("not supported yet"));
  EXPECT_THAT(ParseError({"--rest_api_port=8501"}), HasSubstr("--rest_api_port=0"));
  EXPECT_TRUE(Parse({"--enable_batching=false", "--rest_api_port=0"}).ok());
  EXPECT_TRUE(Parse({"--enable_grpc_healthcheck_service", "--flush_filesystem_caches=false"}).ok());
}

TEST(ServerOptionsTest, RefusesWhatDoesNotFitTogether) {
  EXPECT_THAT(std::string(ParseServerOptions({}, kCpus).status().message()),
              HasSubstr("--model_base_path and --model_config_file are empty"));
  EXPECT_THAT(ParseError({"--port=0"}), HasSubstr("nobody could connect"));
  EXPECT_TRUE(Parse({"--port=0", "--grpc_socket_path=/run/s"}).ok());
  EXPECT_THAT(ParseError({"--remote_manifest=maybe"}), HasSubstr("required, preferred or ignored"));
  EXPECT_THAT(ParseError({"--file_system_poll_wait_seconds=-1"}), HasSubstr("0 looks once"));
  EXPECT_THAT(ParseError({"--model_config_file=f", "--model_version_policy=all"}),
              HasSubstr("belongs to --model_base_path"));
  EXPECT_THAT(ParseError({"--model_config_file_poll_wait_seconds=5"}),
              HasSubstr("belongs to --model_config_file"));
  EXPECT_THAT(ParseError({"--total_model_memory_limit_bytes=-1"}), HasSubstr("0 or more"));
  EXPECT_THAT(ParseError({"--remote_cache_max_bytes=0"}), HasSubstr("remote_cache_max_bytes"));
}

TEST(ServerOptionsTest, HelpAndVersionNeedNoModel) {
  EXPECT_TRUE(ParseServerOptions({"--help"}, kCpus)->help);
  EXPECT_TRUE(ParseServerOptions({"--version"}, kCpus)->version);
  EXPECT_THAT(ServerUsage(kCpus), HasSubstr("--grpc_max_threads (default 12)"));
}

}  // namespace
}  // namespace tfserving_remote

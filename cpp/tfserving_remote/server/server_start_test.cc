// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tensorflow_serving/model_servers/server_core.h"
#include "tfserving_remote/net/grpc_server.h"
#include "tfserving_remote/server/server.h"
#include "tfserving_remote/testing/recording_log.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using ::testing::HasSubstr;

class ServerStartTest : public ::testing::Test {
 protected:
  ServerStartTest() {
    options_.port = -1;
    options_.grpc_max_threads = 2;
    options_.remote_manifest = "ignored";
    options_.model_name = "m";
    options_.model_base_path = absl::StrCat(TFSR_TEST_MODELS, "/half_plus_two");
  }
  absl::StatusOr<std::unique_ptr<Server>> Start() {
    return Server::Start(options_, extensions_, Clock::Real(), log_);
  }

  ServerOptions options_;
  ServerExtensions extensions_;
  RecordingLog log_;
};

TEST_F(ServerStartTest, ServicesOfOnesOwnSeeTheModels) {
  tfs::ServerCore* core = nullptr;
  extensions_.register_services = [&core](GrpcServer& server, tfs::ServerCore& models) {
    EXPECT_EQ(server.port(), 0);  // not open yet
    core = &models;
    server.Handle("/own.Service/Method", [&models](std::shared_ptr<GrpcCall> call) {
      call->Finish(models.ListAvailableServableIds().empty() ? absl::NotFoundError("")
                                                             : absl::OkStatus());
    });
  };
  const absl::StatusOr<std::unique_ptr<Server>> server = Start();
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_GT((*server)->port(), 0);
  ASSERT_NE(core, nullptr);
  EXPECT_TRUE(core->servable_state_monitor()->WaitUntilServablesReachState(
      {tfs::ServableRequest::Latest("m")}, tfs::ServableState::ManagerState::kAvailable));
  EXPECT_TRUE((*server)->Drain());
}

TEST_F(ServerStartTest, WhatCannotBeServedKeepsThePortsClosed) {
  options_.model_base_path = "models/m";
  const absl::StatusOr<std::unique_ptr<Server>> server = Start();
  EXPECT_TRUE(absl::IsInvalidArgument(server.status()));
  EXPECT_THAT(std::string(server.status().message()),
              HasSubstr("Expected model m to have an absolute path or URI"));
  EXPECT_EQ(log_.Count("Running gRPC ModelServer"), 0);
}

TEST_F(ServerStartTest, ExtensionsThatCannotBeAreRefused) {
  extensions_.platforms.push_back({"table", nullptr, nullptr});
  EXPECT_TRUE(absl::IsInvalidArgument(Start().status()));
}

}  // namespace
}  // namespace tfserving_remote

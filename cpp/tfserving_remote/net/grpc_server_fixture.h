// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_GRPC_SERVER_FIXTURE_H_
#define TFSERVING_REMOTE_NET_GRPC_SERVER_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "tfserving_remote/net/grpc_server.h"
#include "tfserving_remote/net/h2_test_client.h"

namespace tfserving_remote {

/// For tests: a server with an echo and a method that keeps its calls for the test to answer.
class GrpcServerFixture : public ::testing::Test {
 protected:
  void Serve(GrpcServerOptions options = {}) {
    options.host = "127.0.0.1";
    auto server = GrpcServer::Create(std::move(options));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    server_->Handle("/test/Echo", [](std::shared_ptr<GrpcCall> call) {
      call->Write({GrpcSlice{call->request().data(), call->request().size(), call}}, nullptr);
      call->Finish(absl::OkStatus());
    });
    server_->Handle("/test/Keep", [this](std::shared_ptr<GrpcCall> call) {
      absl::MutexLock lock(&mu_);
      kept_.push_back(std::move(call));
    });
    const absl::Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }

  /// Waits for the next call of /test/Keep.
  std::shared_ptr<GrpcCall> TakeCall() {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(
        +[](std::vector<std::shared_ptr<GrpcCall>>* kept) { return !kept->empty(); }, &kept_));
    std::shared_ptr<GrpcCall> call = std::move(kept_.front());
    kept_.erase(kept_.begin());
    return call;
  }

  int port() const { return server_->port(); }

  absl::Mutex mu_;
  std::vector<std::shared_ptr<GrpcCall>> kept_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<GrpcServer> server_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_GRPC_SERVER_FIXTURE_H_

// SPDX-License-Identifier: Apache-2.0
// How connections and servers end.
#include <thread>

#include "absl/time/clock.h"
#include "tfserving_remote/net/grpc_server_fixture.h"

namespace tfserving_remote {
namespace {

using GrpcLifetimeTest = GrpcServerFixture;

TEST_F(GrpcLifetimeTest, DrainsOnlyAfterRunningCallsHaveFinished) {
  Serve();
  H2TestClient client(port());
  const int32_t stream = client.Call("/test/Keep", "x");
  auto call = TakeCall();
  bool clean = false;
  std::thread drain([&] { clean = server_->Drain(absl::InfiniteFuture()); });
  // The announcement names the last possible stream: what is under way is still taken.
  EXPECT_EQ(client.AwaitGoaway().last_stream, std::numeric_limits<int32_t>::max());
  EXPECT_EQ(client.AwaitGoaway().error, NGHTTP2_NO_ERROR);
  EXPECT_TRUE(client.ReadUntil([&] { return client.AwaitGoaway().last_stream == stream; }));
  call->Finish(absl::OkStatus());
  EXPECT_EQ(client.Await(stream).status(), "0");
  client.AwaitEnd();
  drain.join();
  EXPECT_TRUE(clean);
}

TEST_F(GrpcLifetimeTest, CutsCallsOffAtTheDeadlineOfADrain) {
  Serve();
  H2TestClient client(port());
  const int32_t stream = client.Call("/test/Keep", "x");
  auto call = TakeCall();
  absl::Notification cancelled;
  call->OnCancel([&] { cancelled.Notify(); });
  bool clean = true;
  std::thread drain([&] { clean = server_->Drain(absl::Now()); });
  EXPECT_EQ(client.Await(stream).status(), "14");
  cancelled.WaitForNotification();
  client.AwaitEnd();
  drain.join();
  EXPECT_FALSE(clean);
}

TEST_F(GrpcLifetimeTest, DrainsWithoutConnections) {
  Serve();
  EXPECT_TRUE(server_->Drain(absl::InfiniteFuture()));
  EXPECT_TRUE(server_->Drain(absl::InfiniteFuture()));
}

TEST_F(GrpcLifetimeTest, ACallMayOutliveItsServer) {
  Serve();
  H2TestClient client(port());
  client.Call("/test/Keep", "request");
  auto call = TakeCall();
  server_.reset();
  EXPECT_TRUE(call->cancelled());
  EXPECT_EQ(call->request(), "request");
  bool written = true;
  call->Write({GrpcSlice::Of("late")}, [&](bool sent) { written = sent; });
  EXPECT_FALSE(written);
  call->Finish(absl::OkStatus());
}

TEST_F(GrpcLifetimeTest, PingsASilentPeerAndKeepsItWhenItAnswers) {
  GrpcServerOptions options;
  options.keepalive_time = absl::Milliseconds(10);
  Serve(options);
  H2TestClient client(port());
  EXPECT_TRUE(client.ReadUntil([&] { return client.pings_received() >= 3; }));
  EXPECT_EQ(client.Await(client.Call("/test/Echo", "alive")).status(), "0");
}

TEST_F(GrpcLifetimeTest, ClosesAConnectionWhosePeerDoesNotAnswerPings) {
  GrpcServerOptions options;
  options.keepalive_time = absl::Milliseconds(10);
  options.keepalive_timeout = absl::Milliseconds(10);
  Serve(options);
  H2TestClient client(port(), {/*answer_pings=*/false, NGHTTP2_INITIAL_WINDOW_SIZE});
  client.AwaitEnd();
  EXPECT_GE(client.pings_received(), 1);
}

TEST_F(GrpcLifetimeTest, AnOldConnectionFinishesItsCallsAndCloses) {
  GrpcServerOptions options;
  options.max_connection_age = absl::Milliseconds(500);
  Serve(options);
  H2TestClient client(port());
  const int32_t stream = client.Call("/test/Keep", "x");
  auto call = TakeCall();
  EXPECT_EQ(client.AwaitGoaway().error, NGHTTP2_NO_ERROR);
  call->Finish(absl::OkStatus());
  EXPECT_EQ(client.Await(stream).status(), "0");
  client.AwaitEnd();
}

}  // namespace
}  // namespace tfserving_remote

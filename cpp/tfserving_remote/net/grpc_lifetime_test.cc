// SPDX-License-Identifier: Apache-2.0
// How connections and servers end, and how little they do meanwhile.
#include <sys/socket.h>

#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tfserving_remote/net/grpc_connection.h"
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

TEST_F(GrpcLifetimeTest, ADrainTellsAPeerThatHasNotGreetedAndGoesOn) {
  Serve();
  H2TestClient silent(port(), {true, NGHTTP2_INITIAL_WINDOW_SIZE, true, /*greet=*/false});
  {
    // Connections are taken in turn: once a later one is served, the silent one is there, too.
    H2TestClient later(port());
    EXPECT_EQ(later.Await(later.Call("/test/Echo", "x")).status(), "0");
  }
  EXPECT_TRUE(server_->Drain(absl::InfiniteFuture()));
  // The final GOAWAY; who is only timed out gets just the announcement.
  EXPECT_EQ(silent.AwaitGoaway().last_stream, 0);
}

// Sends a greeting and then `mebibytes` of frames of a type that nobody knows.
void SendIgnoredFrames(int fd, int mebibytes) {
  const std::string frame = absl::StrCat(absl::string_view("\0\x3f\xf7\xee\0\0\0\0\0", 9),
                                         std::string((16 << 10) - 9, 'x'));
  std::string bytes = absl::StrCat("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                   absl::string_view("\0\0\0\x04\0\0\0\0\0", 9));
  for (int i = 0; i < mebibytes; ++i) {
    for (int j = 0; j < 64; ++j) bytes += frame;
    for (size_t sent = 0; sent < bytes.size();) {
      const ssize_t put = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      ASSERT_GT(put, 0);
      sent += static_cast<size_t>(put);
    }
    bytes.clear();
  }
}

TEST(GrpcConnectionTest, WaitsOnceForWhatComesAfterALongRead) {
  auto environment = std::make_shared<GrpcCallEnvironment>();
  environment->loop = std::make_shared<IoLoop>();
  environment->options = std::make_shared<GrpcServerOptions>();
  environment->handlers = std::make_shared<GrpcHandlers>();
  environment->peer = std::make_shared<std::string>("unix:");
  boost::asio::io_context& context = environment->loop->context();
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd peer(ends[1]);
  GrpcConnection::Socket socket(context, boost::asio::generic::stream_protocol(AF_UNIX, 0),
                                ends[0]);
  bool closed = false;
  auto connection = std::make_shared<GrpcConnection>(std::move(socket), nullptr, environment,
                                                     [&](GrpcConnection*) { closed = true; });
  std::thread writer([&] { SendIgnoredFrames(peer.get(), 64); });
  connection->Start();
  while (context.run_one_for(std::chrono::milliseconds(200)) > 0) {
  }
  writer.join();
  ASSERT_FALSE(closed);
  ASSERT_EQ(::send(peer.get(), "\0", 1, MSG_NOSIGNAL), 1);
  EXPECT_EQ(context.run_one(), 1u);
  EXPECT_EQ(context.poll(), 0u) << "one wait for one arrival";
  connection->Cut(absl::UnavailableError("end"));
  while (!closed) context.run_one();
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

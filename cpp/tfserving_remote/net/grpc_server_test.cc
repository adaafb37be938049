// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/grpc_server.h"

#include <unistd.h>

#include <atomic>
#include <thread>

#include "tfserving_remote/net/grpc_server_fixture.h"

namespace tfserving_remote {
namespace {

using GrpcServerTest = GrpcServerFixture;

TEST_F(GrpcServerTest, AnswersAUnaryCall) {
  Serve();
  H2TestClient client(port());
  const auto& answer = client.Await(client.Call("/test/Echo", "hello"));
  EXPECT_EQ(answer.Field(":status"), "200");
  EXPECT_EQ(answer.Field("content-type"), "application/grpc");
  EXPECT_EQ(answer.body, FrameMessage("hello"));
  EXPECT_EQ(answer.status(), "0");
  EXPECT_EQ(answer.reset, NGHTTP2_NO_ERROR);
}

TEST_F(GrpcServerTest, AnswersALongMessageThroughASmallWindow) {
  Serve();
  H2TestClient client(port());
  const std::string message(3'000'000, 'm');
  const auto& answer = client.Await(client.Call("/test/Echo", message));
  EXPECT_EQ(answer.status(), "0");
  EXPECT_TRUE(answer.body == FrameMessage(message));
}

TEST_F(GrpcServerTest, AnswersFromAnotherThread) {
  Serve();
  H2TestClient client(port());
  const int32_t stream = client.Call("/test/Keep", "x");
  std::thread worker([this] {
    auto call = TakeCall();
    call->Write({GrpcSlice::Of("from "), GrpcSlice::Of(""), GrpcSlice::Of("afar")}, nullptr);
    call->Finish(absl::OkStatus());
  });
  const auto& answer = client.Await(stream);
  worker.join();
  EXPECT_EQ(answer.body, FrameMessage("from afar"));
  EXPECT_EQ(answer.status(), "0");
}

TEST_F(GrpcServerTest, StreamsMessagesAsTheyAreWritten) {
  Serve();
  H2TestClient client(port());
  const int32_t stream = client.Call("/test/Keep", "x");
  auto call = TakeCall();
  call->Write({GrpcSlice::Of("one")}, nullptr);
  EXPECT_TRUE(client.ReadUntil([&] { return client.answer(stream).body == FrameMessage("one"); }));
  call->Write({GrpcSlice::Of("two")}, nullptr);
  EXPECT_TRUE(client.ReadUntil(
      [&] { return client.answer(stream).body == FrameMessage("one") + FrameMessage("two"); }));
  call->Finish(absl::OkStatus());
  EXPECT_EQ(client.Await(stream).status(), "0");
}

TEST_F(GrpcServerTest, SaysTheServicesErrorInTrailersOnly) {
  Serve();
  H2TestClient client(port());
  const int32_t stream = client.Call("/test/Keep", "x");
  auto call = TakeCall();
  call->Finish(absl::FailedPreconditionError("100 % f\xC3\xBCr\nnichts"));
  call->Finish(absl::OkStatus());
  const auto& answer = client.Await(stream);
  EXPECT_EQ(answer.status(), "9");
  EXPECT_EQ(answer.message(), "100 %25 f%C3%BCr%0Anichts");
  EXPECT_TRUE(answer.body.empty());
}

TEST_F(GrpcServerTest, AnErrorDropsMessagesThatHaveNotBegun) {
  Serve();
  H2TestClient client(port(), {true, /*window=*/0});
  const int32_t stream = client.Call("/test/Keep", "x");
  auto call = TakeCall();
  absl::Notification dropped;
  call->Write({GrpcSlice::Of("never")}, [&](bool sent) {
    EXPECT_FALSE(sent);
    dropped.Notify();
  });
  call->Finish(absl::InternalError("broken"));
  dropped.WaitForNotification();
  const auto& answer = client.Await(stream);
  EXPECT_EQ(answer.status(), "13");
  EXPECT_TRUE(answer.body.empty());
}

TEST_F(GrpcServerTest, ShowsTheCallToTheService) {
  Serve();
  H2TestClient client(port());
  client.Send(
      H2TestClient::CallFields(
          "/test/Keep",
          {{"key", "value"}, {"raw-bin", "AAH/"}, {"key", "second"}, {"grpc-timeout", "1H"}}),
      FrameMessage("request"));
  auto call = TakeCall();
  EXPECT_EQ(call->method(), "/test/Keep");
  EXPECT_EQ(call->request(), "request");
  EXPECT_EQ(call->metadata("raw-bin"), absl::string_view("\0\x01\xff", 3));
  EXPECT_EQ(call->metadata("absent"), "");
  EXPECT_THAT(std::string(call->peer()), ::testing::StartsWith("ipv4:127.0.0.1:"));
  EXPECT_LT(call->deadline(), absl::InfiniteFuture());
  EXPECT_FALSE(call->cancelled());
  call->Finish(absl::OkStatus());
}

TEST_F(GrpcServerTest, EndsTheCallAtItsDeadlineWithoutTheServicesHelp) {
  Serve();
  H2TestClient client(port());
  const int32_t stream = client.Send(
      H2TestClient::CallFields("/test/Keep", {{"grpc-timeout", "20m"}}), FrameMessage("x"));
  auto call = TakeCall();
  absl::Notification cancelled;
  call->OnCancel([&] { cancelled.Notify(); });
  EXPECT_EQ(client.Await(stream).status(), "4");
  cancelled.WaitForNotification();
  EXPECT_TRUE(call->cancelled());
}

TEST_F(GrpcServerTest, EndsTheCallAtItsDeadlineBeforeTheRequestIsComplete) {
  Serve();
  H2TestClient client(port());
  const int32_t stream =
      client.Send(H2TestClient::CallFields("/test/Keep", {{"grpc-timeout", "20m"}}),
                  FrameMessage("whole").substr(0, 7), /*end=*/false);
  EXPECT_EQ(client.Await(stream).status(), "4");
}

TEST_F(GrpcServerTest, ResetsACallWhoseDeadlinePassesInTheMiddleOfAMessage) {
  Serve();
  H2TestClient client(port(), {true, /*window=*/10, /*renew_windows=*/false});
  const int32_t stream = client.Send(
      H2TestClient::CallFields("/test/Echo", {{"grpc-timeout", "50m"}}), FrameMessage("longer"));
  const auto& answer = client.Await(stream);
  EXPECT_EQ(answer.body, FrameMessage("longer").substr(0, 10));
  EXPECT_EQ(answer.reset, NGHTTP2_CANCEL);
}

TEST_F(GrpcServerTest, AResetStreamIsACancelledCall) {
  Serve();
  H2TestClient client(port());
  const int32_t stream = client.Call("/test/Keep", "x");
  auto call = TakeCall();
  absl::Notification cancelled;
  call->OnCancel([&] { cancelled.Notify(); });
  client.SendReset(stream);
  cancelled.WaitForNotification();
  EXPECT_TRUE(call->cancelled());
  bool at_once = false;
  call->OnCancel([&] { at_once = true; });
  EXPECT_TRUE(at_once);
  bool written = true;
  call->Write({GrpcSlice::Of("late")}, [&](bool sent) { written = sent; });
  EXPECT_FALSE(written);
}

TEST_F(GrpcServerTest, ALostConnectionCancelsItsCalls) {
  Serve();
  absl::Notification cancelled;
  {
    H2TestClient client(port());
    client.Call("/test/Keep", "x");
    TakeCall()->OnCancel([&] { cancelled.Notify(); });
  }
  cancelled.WaitForNotification();
}

TEST_F(GrpcServerTest, AFinishedCallIsNeverCancelled) {
  Serve();
  std::atomic<bool> ran{false};
  std::shared_ptr<GrpcCall> call;
  {
    H2TestClient client(port());
    const int32_t stream = client.Call("/test/Keep", "x");
    call = TakeCall();
    call->OnCancel([&] { ran = true; });
    call->Finish(absl::OkStatus());
    client.Await(stream);
  }
  server_->Drain(absl::InfiniteFuture());
  call->OnCancel([&] { ran = true; });
  EXPECT_FALSE(ran);
  EXPECT_FALSE(call->cancelled());
}

TEST_F(GrpcServerTest, ServesAUnixSocketAndReplacesTheFileOfADeadServer) {
  const std::string path = ::testing::TempDir() + "/grpc_server_test.sock";
  ::unlink(path.c_str());
  GrpcServerOptions options;
  options.port = -1;
  options.unix_socket_path = path;
  Serve(options);
  EXPECT_EQ(port(), 0);
  auto second = GrpcServer::Create(options);
  ASSERT_TRUE(second.ok());
  const absl::Status refused = (*second)->Start();
  EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists) << refused;
  EXPECT_TRUE(server_->Drain(absl::InfiniteFuture()));
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST_F(GrpcServerTest, SaysWhichPortIsTaken) {
  Serve();
  GrpcServerOptions options;
  options.host = "127.0.0.1";
  options.port = port();
  auto second = GrpcServer::Create(options);
  ASSERT_TRUE(second.ok());
  const absl::Status refused = (*second)->Start();
  EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(refused.message()),
              ::testing::HasSubstr("127.0.0.1:" + std::to_string(port())));
}

TEST_F(GrpcServerTest, ManyThreadsServeManyConnections) {
  GrpcServerOptions options;
  options.io_threads = 3;
  Serve(options);
  std::vector<std::unique_ptr<H2TestClient>> clients;
  for (int i = 0; i < 7; ++i) clients.push_back(std::make_unique<H2TestClient>(port()));
  for (int i = 0; i < 7; ++i) {
    const std::string message = std::to_string(i);
    EXPECT_EQ(clients[i]->Await(clients[i]->Call("/test/Echo", message)).body,
              FrameMessage(message));
  }
}

}  // namespace
}  // namespace tfserving_remote

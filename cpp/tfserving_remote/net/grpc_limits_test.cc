// SPDX-License-Identifier: Apache-2.0
// What the server refuses, and what it does to peers that misbehave.
#include <atomic>
#include <random>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/net/grpc_server_fixture.h"

namespace tfserving_remote {
namespace {

using GrpcLimitsTest = GrpcServerFixture;
using ::testing::HasSubstr;

// A frame as it stands on the wire.
std::string RawFrame(uint8_t type, uint8_t flags, uint32_t stream, absl::string_view payload) {
  const auto size = static_cast<uint32_t>(payload.size());
  std::string frame;
  for (int shift : {16, 8, 0}) frame.push_back(static_cast<char>(size >> shift));
  frame.push_back(static_cast<char>(type));
  frame.push_back(static_cast<char>(flags));
  for (int shift : {24, 16, 8, 0}) frame.push_back(static_cast<char>(stream >> shift));
  return absl::StrCat(frame, payload);
}

TEST_F(GrpcLimitsTest, RefusesAnUnknownMethod) {
  Serve();
  H2TestClient client(port());
  const auto& answer = client.Await(client.Call("/test/Nothing", "x"));
  EXPECT_EQ(answer.status(), "12");
  EXPECT_THAT(answer.message(), HasSubstr("/test/Nothing"));
}

TEST_F(GrpcLimitsTest, AnswersOtherMethodsThanPostWith405) {
  Serve();
  H2TestClient client(port());
  const auto& answer =
      client.Await(client.Send(H2TestClient::CallFields("/test/Echo", {{":method", "GET"}}), ""));
  EXPECT_EQ(answer.Field(":status"), "405");
  EXPECT_EQ(answer.Field("allow"), "POST");
}

TEST_F(GrpcLimitsTest, AnswersOtherContentTypesWith415) {
  Serve();
  H2TestClient client(port());
  const auto& answer = client.Await(client.Send(
      H2TestClient::CallFields("/test/Echo", {{"content-type", "application/json"}}), "{}"));
  EXPECT_EQ(answer.Field(":status"), "415");
}

TEST_F(GrpcLimitsTest, NamesTheEncodingsItKnowsWhenItRefusesAnother) {
  Serve();
  H2TestClient client(port());
  const auto& answer = client.Await(
      client.Send(H2TestClient::CallFields("/test/Echo", {{"grpc-encoding", "snappy"}}),
                  FrameMessage("x", /*compressed=*/true)));
  EXPECT_EQ(answer.status(), "12");
  EXPECT_EQ(answer.Field("grpc-accept-encoding"), "identity,deflate,gzip");
}

TEST_F(GrpcLimitsTest, RefusesTooLongARequestFromItsPrefixAlone) {
  GrpcServerOptions options;
  options.max_request_bytes = 1000;
  Serve(options);
  H2TestClient client(port());
  const int32_t stream = client.Send(H2TestClient::CallFields("/test/Echo"),
                                     FrameMessage(std::string(1001, 'x')).substr(0, 5),
                                     /*end=*/false);
  const auto& answer = client.Await(stream);
  EXPECT_EQ(answer.status(), "8");
  EXPECT_THAT(answer.message(), HasSubstr("1000"));
  EXPECT_EQ(client.Await(client.Call("/test/Echo", std::string(1000, 'x'))).status(), "0");
}

TEST_F(GrpcLimitsTest, RefusesTooMuchMetadata) {
  GrpcServerOptions options;
  options.max_metadata_bytes = 1000;
  Serve(options);
  H2TestClient client(port());
  const auto send = [&](size_t bytes) {
    return client.Await(
        client.Send(H2TestClient::CallFields("/test/Echo", {{"long", std::string(bytes, 'x')}}),
                    FrameMessage("x")));
  };
  EXPECT_EQ(send(100).status(), "0");
  EXPECT_EQ(send(1500).status(), "8");
  EXPECT_NE(send(10'000).reset, NGHTTP2_NO_ERROR);
  EXPECT_EQ(send(100).status(), "0");
}

TEST_F(GrpcLimitsTest, RefusesMalformedRequests) {
  Serve();
  H2TestClient client(port());
  const std::string message = FrameMessage("whole");
  for (const std::string& body : {std::string(), message.substr(0, 3), message.substr(0, 8),
                                  message + message, FrameMessage("x", /*compressed=*/true)}) {
    const int32_t stream = client.Send(H2TestClient::CallFields("/test/Echo"), body);
    EXPECT_EQ(client.Await(stream).status(), "13") << body.size();
  }
  const int32_t stream = client.Send(
      H2TestClient::CallFields("/test/Echo", {{"grpc-timeout", "soon"}}), FrameMessage("x"));
  EXPECT_EQ(client.Await(stream).status(), "13");
}

TEST_F(GrpcLimitsTest, ToleratesMoreStreamsThanAllowedByRefusingThem) {
  GrpcServerOptions options;
  options.max_concurrent_streams = 2;
  Serve(options);
  H2TestClient client(port());
  ASSERT_TRUE(client.AwaitPingAnswer());
  // The client's own session holds the third back until one of the others has ended.
  const int32_t first = client.Call("/test/Keep", "1");
  client.Call("/test/Keep", "2");
  const int32_t third = client.Call("/test/Echo", "3");
  auto call = TakeCall();
  auto other = TakeCall();
  EXPECT_FALSE(client.answer(third).closed);
  call->Finish(absl::OkStatus());
  other->Finish(absl::OkStatus());
  EXPECT_EQ(client.Await(first).status(), "0");
  EXPECT_EQ(client.Await(third).status(), "0");
}

TEST_F(GrpcLimitsTest, EndsAConnectionThatFloodsPings) {
  Serve();
  H2TestClient client(port());
  for (int i = 0; i < 200; ++i) client.SendPing();
  EXPECT_EQ(client.AwaitGoaway().error, NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_EQ(client.AwaitGoaway().text, "too_many_pings");
  client.AwaitEnd();
}

TEST_F(GrpcLimitsTest, EndsAConnectionThatOpensAndResetsStreams) {
  Serve();
  H2TestClient client(port());
  for (int i = 0; i < 1500; ++i) client.SendReset(client.Call("/test/Keep", "x"));
  EXPECT_EQ(client.AwaitGoaway().error, NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_EQ(client.AwaitGoaway().text, "too_many_resets");
  client.AwaitEnd();
}

TEST_F(GrpcLimitsTest, EndsAConnectionThatMakesTheServerResetStreams) {
  Serve();
  H2TestClient client(port());
  ASSERT_TRUE(client.AwaitPingAnswer());
  // A window update of nothing is an error of the stream.
  const std::string nothing(4, '\0');
  for (int i = 0; i < 1500; ++i) {
    const int32_t stream = client.Call("/test/Keep", "x");
    client.SendRaw(RawFrame(NGHTTP2_WINDOW_UPDATE, 0, static_cast<uint32_t>(stream), nothing));
  }
  EXPECT_NE(client.AwaitGoaway().error, NGHTTP2_NO_ERROR);
  client.AwaitEnd();
}

TEST_F(GrpcLimitsTest, EndsAConnectionThatSendsEmptyFrames) {
  Serve();
  H2TestClient client(port());
  const int32_t stream = client.Send(H2TestClient::CallFields("/test/Echo"), "", /*end=*/false);
  std::string frames;
  for (int i = 0; i < 1500; ++i) {
    frames += RawFrame(NGHTTP2_DATA, 0, static_cast<uint32_t>(stream), "");
  }
  client.SendRaw(frames);
  EXPECT_EQ(client.AwaitGoaway().error, NGHTTP2_ENHANCE_YOUR_CALM);
  client.AwaitEnd();
}

TEST_F(GrpcLimitsTest, EndsAConnectionThatSendsAnEndlessHeaderBlock) {
  Serve();
  H2TestClient client(port());
  ASSERT_TRUE(client.AwaitPingAnswer());
  client.SendRaw(RawFrame(NGHTTP2_HEADERS, 0, 1, "\x82"));
  for (int i = 0; i < 100; ++i) client.SendRaw(RawFrame(NGHTTP2_CONTINUATION, 0, 1, "\x82"));
  client.AwaitEnd();
  EXPECT_NE(client.AwaitGoaway().error, NGHTTP2_NO_ERROR);
}

TEST_F(GrpcLimitsTest, EndsAConnectionThatDoesNotSpeakHttp2) {
  Serve();
  H2TestClient client(port());
  client.SendRaw("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  client.AwaitEnd();
  H2TestClient other(port());
  EXPECT_EQ(other.Await(other.Call("/test/Echo", "still here")).status(), "0");
}

// What a client sends that opens a connection, makes a call and pings.
std::string RecordedTraffic() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session* session = nullptr;
  nghttp2_session_client_new(&session, callbacks, nullptr);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
  std::vector<nghttp2_nv> list;
  const H2Fields fields = H2TestClient::CallFields("/test/Echo", {{"grpc-encoding", "gzip"}});
  for (const auto& [name, value] : fields) {
    list.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                    reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(),
                    value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, -1, nullptr, list.data(), list.size(),
                         nullptr);
  nghttp2_submit_ping(session, NGHTTP2_FLAG_NONE, nullptr);
  std::string traffic;
  const uint8_t* bytes = nullptr;
  while (const ssize_t size = nghttp2_session_mem_send(session, &bytes)) {
    traffic.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  }
  nghttp2_session_del(session);
  return traffic + RawFrame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, FrameMessage("body"));
}

TEST_F(GrpcLimitsTest, SurvivesDamagedTraffic) {
  Serve();
  const std::string traffic = RecordedTraffic();
  std::minstd_rand random(20260101);
  for (int i = 0; i < 400; ++i) {
    std::string damaged = traffic;
    for (int hits = static_cast<int>(random() % 4); hits >= 0; --hits) {
      // Mostly behind the greeting, so that more than the greeting is tried.
      const size_t first = i % 10 == 0 ? 0 : NGHTTP2_CLIENT_MAGIC_LEN;
      damaged[first + random() % (damaged.size() - first)] = static_cast<char>(random());
    }
    H2TestClient client(port(), {true, NGHTTP2_INITIAL_WINDOW_SIZE, true, /*greet=*/false});
    client.SendRaw(absl::string_view(damaged).substr(0, damaged.size() - random() % 3));
  }
  H2TestClient client(port());
  EXPECT_EQ(client.Await(client.Call("/test/Echo", "unharmed")).status(), "0");
}

// Writes message after message, each when the one before has left.
struct Stream : std::enable_shared_from_this<Stream> {
  std::shared_ptr<GrpcCall> call;
  std::shared_ptr<const std::string> message = std::make_shared<std::string>(100'000, 's');
  std::atomic<int> left{0};

  void Next() {
    call->Write({GrpcSlice{message->data(), message->size(), message}},
                [self = shared_from_this()](bool sent) {
                  if (!sent) return;
                  ++self->left;
                  self->Next();
                });
  }
};

TEST_F(GrpcLimitsTest, ASlowReaderHoldsTheServiceBack) {
  Serve();
  H2TestClient client(port(), {true, /*window=*/0});
  const int32_t stream = client.Call("/test/Keep", "x");
  auto writer = std::make_shared<Stream>();
  writer->call = TakeCall();
  writer->Next();
  ASSERT_TRUE(client.AwaitPingAnswer());
  ASSERT_TRUE(client.AwaitPingAnswer());
  EXPECT_EQ(writer->left, 0);
  client.SendReset(stream);
  ASSERT_TRUE(client.AwaitPingAnswer());
}

}  // namespace
}  // namespace tfserving_remote

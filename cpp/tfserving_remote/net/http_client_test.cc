// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/testing/http_client_fixture.h"

namespace tfserving_remote {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HttpClientTest : public HttpClientFixture {};

std::string SomeBytes(size_t size) {
  std::string bytes(size, '\0');
  uint32_t state = 12345;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

TEST_F(HttpClientTest, SendsMethodTargetHeadersAndBody) {
  ServeReplies({{}});
  HttpRequest request = Request("/a%20b?list-type=2&prefix=x", "POST");
  request.headers = {{"X-Own", "value"}};
  request.body = "payload";
  ASSERT_TRUE(Send(request).ok());
  const ScriptedRequest got = server_->requests().at(0);
  EXPECT_EQ(got.method, "POST");
  EXPECT_EQ(got.target, "/a%20b?list-type=2&prefix=x");
  EXPECT_EQ(got.body, "payload");
  EXPECT_EQ(FindHeader(got.headers, "host"), request.origin.HostHeader());
  EXPECT_EQ(FindHeader(got.headers, "x-own"), "value");
  EXPECT_EQ(FindHeader(got.headers, "user-agent"), "tfserving-remote");
  EXPECT_EQ(FindHeader(got.headers, "content-length"), "7");
}

TEST_F(HttpClientTest, SendsALargeBody) {
  ServeReplies({{}});
  HttpRequest request = Request("/object", "PUT");
  request.body = SomeBytes(8 << 20);
  ASSERT_TRUE(Send(request).ok());
  EXPECT_TRUE(server_->requests().at(0).body == request.body);
}

TEST_F(HttpClientTest, ReadsARangeIntoTheCallersMemory) {
  const std::string content = SomeBytes(5 << 20);
  Serve(ServeContent(content));
  std::string memory(4 << 20, '\0');
  HttpRequest request = Request();
  request.headers = {{"Range", absl::StrCat("bytes=100-", 100 + memory.size() - 1)}};
  call_.body_into = absl::MakeSpan(&memory[0], memory.size());
  const auto response = Send(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 206);
  EXPECT_EQ(response->bytes_into, memory.size());
  EXPECT_TRUE(response->body.empty());
  EXPECT_TRUE(memory == content.substr(100, memory.size()));
}

TEST_F(HttpClientTest, ReadsALargeBodyIntoAString) {
  const std::string content = SomeBytes(3 << 20);
  Serve(ServeContent(content));
  const auto response = Get();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->body == content);
}

TEST_F(HttpClientTest, KeepsErrorBodiesOutOfTheCallersMemory) {
  ScriptedReply reply;
  reply.status = 403;
  reply.headers = {{"x-request-id", "7"}};
  reply.body = "<Error/>";
  ServeReplies({reply});
  std::string memory(100, 'x');
  call_.body_into = absl::MakeSpan(&memory[0], memory.size());
  const auto response = Get();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 403);
  EXPECT_EQ(response->body, "<Error/>");
  EXPECT_EQ(FindHeader(response->headers, "X-Request-Id"), "7");
  EXPECT_EQ(memory, std::string(100, 'x'));
}

TEST_F(HttpClientTest, KeepsAConnectionForTheNextCall) {
  Serve(ServeContent("abc"));
  for (int i = 0; i < 3; ++i) ASSERT_EQ(GetStatus(), absl::OkStatus());
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(HttpClientTest, DropsConnectionsThatWaitedTooLong) {
  HttpClientOptions options;
  options.max_idle_time = absl::ZeroDuration();
  UseClient(options);
  Serve(ServeContent("abc"));
  for (int i = 0; i < 3; ++i) ASSERT_EQ(GetStatus(), absl::OkStatus());
  EXPECT_EQ(server_->connections(), 3);
}

TEST_F(HttpClientTest, HonoursConnectionCloseAndHttp10) {
  for (const char* raw : {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
                          "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"}) {
    ServeRaw(raw);
    for (int i = 0; i < 2; ++i) {
      const auto response = Get();
      ASSERT_TRUE(response.ok()) << response.status();
      EXPECT_EQ(response->body, "ok");
    }
    EXPECT_EQ(server_->connections(), 2);
  }
}

TEST_F(HttpClientTest, ReadsChunkedBodies) {
  const std::string content = SomeBytes(100000);
  for (const size_t chunk_bytes : {1, 1000, 65536, 100000}) {
    ScriptedReply reply;
    reply.body = content;
    reply.framing = Framing::kChunked;
    reply.chunk_bytes = chunk_bytes;
    ServeReplies({reply});
    for (int i = 0; i < 2; ++i) {
      const auto response = Get();
      ASSERT_TRUE(response.ok()) << response.status();
      EXPECT_TRUE(response->body == content) << chunk_bytes;
    }
    EXPECT_EQ(server_->connections(), 1);
  }
}

TEST_F(HttpClientTest, ReadsOtherFramingsIntoTheCallersMemory) {
  const std::string content = SomeBytes(100000);
  for (const Framing framing : {Framing::kChunked, Framing::kToEnd}) {
    ScriptedReply reply;
    reply.body = content;
    reply.framing = framing;
    reply.then = Then::kClose;
    ServeReplies({reply});
    std::string memory(content.size(), '\0');
    call_.body_into = absl::MakeSpan(&memory[0], memory.size());
    const auto response = Get();
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->bytes_into, content.size());
    EXPECT_TRUE(memory == content);
    call_.body_into = absl::MakeSpan(&memory[0], memory.size() - 1);
    EXPECT_EQ(GetCode(), absl::StatusCode::kDataLoss);
    memory.resize(content.size() + 1);
    call_.body_into = absl::MakeSpan(&memory[0], memory.size());
    EXPECT_EQ(GetCode(), absl::StatusCode::kDataLoss);
  }
}

TEST_F(HttpClientTest, ReadsABodyThatEndsWithTheConnection) {
  ScriptedReply reply;
  reply.body = SomeBytes(300000);
  reply.framing = Framing::kToEnd;
  reply.then = Then::kClose;
  ServeReplies({reply});
  const auto response = Get();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->body == reply.body);
}

TEST_F(HttpClientTest, ExpectsNoBodyAfterHead) {
  Serve(ServeContent("abc"));
  for (int i = 0; i < 2; ++i) {
    const auto response = Send(Request("/object", "HEAD"));
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(FindHeader(response->headers, "content-length"), "3");
    EXPECT_TRUE(response->body.empty());
  }
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(HttpClientTest, ExpectsNoBodyWithStatus204And304) {
  ScriptedReply no_content;
  no_content.status = 204;
  ScriptedReply not_modified;
  not_modified.status = 304;
  ServeReplies({no_content, not_modified, no_content});
  for (const int status : {204, 304, 204}) {
    const auto response = Get();
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->status, status);
  }
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(HttpClientTest, SkipsInformationalAnswers) {
  ServeRaw(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  const auto response = Get();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "ok");
  EXPECT_FALSE(FindHeader(response->headers, "link").has_value());
}

TEST_F(HttpClientTest, RefusesBodiesAboveTheLimit) {
  call_.max_body_bytes = 99;
  for (const Framing framing : {Framing::kCounted, Framing::kChunked, Framing::kToEnd}) {
    ScriptedReply reply;
    reply.framing = framing;
    reply.then = Then::kClose;
    reply.body = std::string(99, 'x');
    ScriptedReply longer = reply;
    longer.body += "x";
    ServeReplies({reply, longer});
    const auto response = Get();
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->body, reply.body);
    EXPECT_EQ(GetCode(), absl::StatusCode::kResourceExhausted);
  }
}

TEST_F(HttpClientTest, SendsAgainWhenAKeptConnectionTurnsOutClosed) {
  Serve([seen = std::make_shared<std::atomic<int>>(0)](const ScriptedRequest& request) {
    ScriptedReply reply;
    if (++*seen != 2) return reply;
    reply.cut_at = 0;
    reply.then = Then::kClose;
    return reply;
  });
  ASSERT_EQ(GetStatus(), absl::OkStatus());
  const auto response = Get();
  EXPECT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(server_->requests().size(), 3);
  EXPECT_EQ(server_->connections(), 2);
}

TEST_F(HttpClientTest, NeverSendsAPostTwice) {
  ScriptedReply closed;
  closed.cut_at = 0;
  closed.then = Then::kReset;
  ServeReplies({{}, closed});
  ASSERT_EQ(GetStatus(), absl::OkStatus());
  EXPECT_EQ(Send(Request("/token", "POST")).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_->requests().size(), 2);
}

TEST_F(HttpClientTest, DoesNotRetryAFreshConnection) {
  ScriptedReply closed;
  closed.cut_at = 0;
  closed.then = Then::kClose;
  ServeReplies({closed});
  EXPECT_EQ(GetCode(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_->requests().size(), 1);
}

TEST_F(HttpClientTest, NoticesThatTheServerCutIdleConnections) {
  Serve(ServeContent("abc"));
  ASSERT_EQ(GetStatus(), absl::OkStatus());
  server_->CutConnections();
  server_->AwaitNoConnection();
  ASSERT_TRUE(Send(Request("/token", "POST")).ok());
  EXPECT_EQ(server_->connections(), 2);
}

TEST_F(HttpClientTest, ServesManyThreadsAtOnce) {
  const std::string content = SomeBytes(1 << 20);
  Serve(ServeContent(content));
  UseClient({});
  std::string memory(content.size(), '\0');
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      const size_t part = content.size() / 64;
      for (size_t i = t; i < 64; i += 16) {
        HttpRequest request = Request();
        request.headers = {{"Range", absl::StrCat("bytes=", i * part, "-", (i + 1) * part - 1)}};
        HttpCallOptions call;
        call.body_into = absl::MakeSpan(&memory[i * part], part);
        EXPECT_TRUE(client_->Send(request, call).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(memory == content);
  EXPECT_LE(server_->connections(), 16);
}

TEST_F(HttpClientTest, RefusesMalformedRequests) {
  ServeReplies({{}});
  std::vector<HttpRequest> bad(9, Request());
  bad[0].method = "GET /x";
  bad[1].target = "object";
  bad[2].target = "/a b";
  bad[3].target = "/a\r\nX: 1";
  bad[4].headers = {{"X", "a\r\nY: b"}};
  bad[5].headers = {{"X Y", "a"}};
  bad[6].headers = {{"Content-Length", "5"}};
  bad[7].headers = {{"Transfer-Encoding", "chunked"}};
  bad[8].origin.host.clear();
  for (const HttpRequest& request : bad) {
    EXPECT_EQ(Send(request).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(server_->requests().empty());
}

TEST_F(HttpClientTest, NamesTheUrlWithoutItsQuery) {
  ScriptedReply closed;
  closed.cut_at = 0;
  closed.then = Then::kClose;
  ServeReplies({closed});
  const absl::Status status = Send(Request("/bucket/key?X-Amz-Signature=secret")).status();
  EXPECT_THAT(std::string(status.message()),
              AllOf(StartsWith(absl::StrCat("GET ", server_->origin().ToString(), "/bucket/key: ")),
                    Not(HasSubstr("secret"))));
}

}  // namespace
}  // namespace tfserving_remote

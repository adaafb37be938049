// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/net/unique_fd.h"
#include "tfserving_remote/testing/http_client_fixture.h"

namespace tfserving_remote {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

class HttpFaultsTest : public HttpClientFixture {
 protected:
  // Calls Get on a thread of its own and cancels it once the server has the request.
  absl::Status GetCancelled() {
    if (client_ == nullptr) UseClient({});
    Cancellation cancellation;
    call_.cancellation = &cancellation;
    absl::Status status;
    std::thread caller([&] { status = Get().status(); });
    server_->AwaitRequests(1);
    cancellation.Cancel();
    caller.join();
    call_.cancellation = nullptr;
    return status;
  }
};

// Accepts connections, as the kernel does by itself, and never says a word.
class SilentServer {
 public:
  SilentServer() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_.get(), raw, size), 0);
    EXPECT_EQ(listen(socket_.get(), 8), 0);
    EXPECT_EQ(getsockname(socket_.get(), raw, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  HttpRequest Request(bool tls) const {
    HttpRequest request;
    request.origin = {tls, "127.0.0.1", port_};
    request.target = "/object";
    return request;
  }

 private:
  UniqueFd socket_;
  uint16_t port_ = 0;
};

ScriptedReply Counted(std::string body, uint64_t declared, ScriptedReply::Then then) {
  ScriptedReply reply;
  reply.body = std::move(body);
  reply.declared_length = declared;
  reply.then = then;
  return reply;
}

TEST_F(HttpFaultsTest, ReportsATruncatedBody) {
  ServeReplies({Counted("abc", 10, Then::kClose)});
  EXPECT_EQ(GetCode(), absl::StatusCode::kDataLoss);
  std::string memory(10, '\0');
  call_.body_into = absl::MakeSpan(&memory[0], memory.size());
  EXPECT_EQ(GetCode(), absl::StatusCode::kDataLoss);
}

TEST_F(HttpFaultsTest, ReportsABodyLongerThanDeclared) {
  ServeReplies({Counted("abcdef", 3, Then::kKeepAlive)});
  EXPECT_EQ(GetCode(), absl::StatusCode::kDataLoss);
  std::string memory(3, '\0');
  call_.body_into = absl::MakeSpan(&memory[0], memory.size());
  EXPECT_EQ(GetCode(), absl::StatusCode::kDataLoss);
}

TEST_F(HttpFaultsTest, ReportsAWholeObjectWhereARangeWasAskedFor) {
  ServeReplies({Counted(std::string(1000, 'x'), 1000, Then::kKeepAlive)});
  std::string memory(100, '\0');
  call_.body_into = absl::MakeSpan(&memory[0], memory.size());
  const absl::Status status = Get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("HTTP status 200"));
  EXPECT_EQ(memory, std::string(100, '\0'));
}

TEST_F(HttpFaultsTest, SurvivesAnEndAtEveryByte) {
  for (const Framing framing : {Framing::kCounted, Framing::kChunked}) {
    for (const Then then : {Then::kClose, Then::kReset}) {
      ScriptedReply reply;
      reply.body = "0123456789";
      reply.framing = framing;
      reply.chunk_bytes = 4;
      reply.then = then;
      const size_t size = reply.Wire().size();
      for (size_t cut = 0; cut < size; ++cut) {
        reply.cut_at = cut;
        ServeReplies({reply});
        EXPECT_THAT(GetCode(), AnyOf(absl::StatusCode::kUnavailable, absl::StatusCode::kDataLoss))
            << "cut at " << cut;
      }
    }
  }
}

TEST_F(HttpFaultsTest, AnswersArriveByteByByte) {
  for (const Framing framing : {Framing::kCounted, Framing::kChunked}) {
    ScriptedReply reply;
    reply.body = "0123456789";
    reply.framing = framing;
    reply.chunk_bytes = 4;
    reply.pause = absl::Microseconds(1);
    ServeReplies({reply});
    const auto response = Get();
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->body, reply.body);
  }
}

TEST_F(HttpFaultsTest, GivesUpOnAStallAnywhere) {
  call_.stall_timeout = absl::Milliseconds(20);
  for (const size_t cut : {0, 5, 30, 60}) {
    ScriptedReply reply = Counted(std::string(1000, 'x'), 1000, Then::kStall);
    reply.cut_at = cut;
    ServeReplies({reply});
    const absl::Status status = Get().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("no progress for 20ms"));
    EXPECT_EQ(server_->requests().size(), 1) << "a stall is no reason to send again";
    server_->AwaitNoConnection();
  }
}

TEST_F(HttpFaultsTest, DoesNotResendAfterAStallOfAKeptConnection) {
  ScriptedReply stall;
  stall.cut_at = 0;
  stall.then = Then::kStall;
  ServeReplies({{}, stall});
  ASSERT_EQ(GetStatus(), absl::OkStatus());
  call_.stall_timeout = absl::Milliseconds(20);
  EXPECT_EQ(GetCode(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_->requests().size(), 2);
}

TEST_F(HttpFaultsTest, EndsADrippingAnswerAtTheDeadline) {
  ScriptedReply reply = Counted(std::string(100000, 'x'), 100000, Then::kClose);
  reply.pause = absl::Milliseconds(1);
  ServeReplies({reply});
  call_.deadline = Clock::Real().Now() + absl::Milliseconds(100);
  EXPECT_EQ(GetCode(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(HttpFaultsTest, RefusesAPastDeadline) {
  Serve(ServeContent("abc"));
  call_.deadline = absl::InfinitePast();
  EXPECT_EQ(GetCode(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(HttpFaultsTest, CancellationWakesAWaitForTheHeader) {
  ScriptedReply reply;
  reply.cut_at = 0;
  reply.then = Then::kStall;
  ServeReplies({reply});
  EXPECT_EQ(GetCancelled().code(), absl::StatusCode::kCancelled);
  server_->AwaitNoConnection();
}

TEST_F(HttpFaultsTest, CancellationWakesAWaitForTheBody) {
  ServeReplies({Counted("abc", 1000, Then::kStall)});
  std::string memory(1000, '\0');
  call_.body_into = absl::MakeSpan(&memory[0], memory.size());
  EXPECT_EQ(GetCancelled().code(), absl::StatusCode::kCancelled);
  server_->AwaitNoConnection();
}

TEST_F(HttpFaultsTest, ACancelledCallNeverStarts) {
  Serve(ServeContent("abc"));
  Cancellation cancellation;
  cancellation.Cancel();
  call_.cancellation = &cancellation;
  EXPECT_EQ(GetCode(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(server_->requests().empty());
}

TEST_F(HttpFaultsTest, CancellationWakesATlsHandshake) {
  const SilentServer silent;
  Cancellation cancellation;
  call_.cancellation = &cancellation;
  call_.connect_timeout = absl::InfiniteDuration();
  std::thread canceller([&] { cancellation.Cancel(); });
  EXPECT_EQ(Send(silent.Request(true)).status().code(), absl::StatusCode::kCancelled);
  canceller.join();
}

TEST_F(HttpFaultsTest, BoundsTheTlsHandshake) {
  const SilentServer silent;
  call_.connect_timeout = absl::Milliseconds(20);
  const absl::Status status = Send(silent.Request(true)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("TLS handshake: no progress"));
}

TEST_F(HttpFaultsTest, ReportsARefusedConnection) {
  Serve(ServeContent("abc"));
  const HttpRequest request = Request();
  server_.reset();
  const absl::Status status = Send(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Connection refused"));
}

TEST_F(HttpFaultsTest, TriesEveryAddressInTurn) {
  Serve(ServeContent("abc"));
  HttpClientOptions options;
  options.look_up = [](const std::string&) {
    return std::vector<std::string>{"::1", "127.0.0.2", "127.0.0.1"};
  };
  UseClient(options);
  host_ = "store.example";
  const auto response = Get();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(FindHeader(server_->requests().at(0).headers, "host"), Request().origin.HostHeader());
}

TEST_F(HttpFaultsTest, RecoversFromAFailedNameLookUp) {
  Serve(ServeContent("abc"));
  HttpClientOptions options;
  options.look_up = [calls = std::make_shared<std::atomic<int>>(0)](
                        const std::string& host) -> absl::StatusOr<std::vector<std::string>> {
    if (++*calls == 1) return absl::UnavailableError("name look-up of " + host + ": no server");
    return std::vector<std::string>{"127.0.0.1"};
  };
  UseClient(options);
  host_ = "store.example";
  EXPECT_EQ(GetCode(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(GetStatus(), absl::OkStatus());
}

TEST_F(HttpFaultsTest, GivesUpOnANameLookUpThatHangs) {
  Serve(ServeContent("abc"));
  auto calls = std::make_shared<std::atomic<int>>(0);
  auto release = std::make_shared<absl::Notification>();
  HttpClientOptions options;
  options.look_up = [calls, release](const std::string&) {
    ++*calls;
    release->WaitForNotification();
    return std::vector<std::string>{"127.0.0.1"};
  };
  UseClient(options);
  host_ = "store.example";
  call_.look_up_timeout = absl::Milliseconds(20);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(GetCode(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(*calls, 1) << "calls for one host share a look-up";
  release->Notify();
  call_.look_up_timeout = absl::InfiniteDuration();
  EXPECT_EQ(GetStatus(), absl::OkStatus());
}

TEST_F(HttpFaultsTest, CancellationWakesANameLookUp) {
  Serve(ServeContent("abc"));
  auto started = std::make_shared<absl::Notification>();
  auto release = std::make_shared<absl::Notification>();
  HttpClientOptions options;
  options.look_up = [started, release](const std::string&) {
    started->Notify();
    release->WaitForNotification();
    return std::vector<std::string>{};
  };
  UseClient(options);
  host_ = "store.example";
  Cancellation cancellation;
  call_.cancellation = &cancellation;
  std::thread canceller([&] {
    started->WaitForNotification();
    cancellation.Cancel();
  });
  EXPECT_EQ(GetCode(), absl::StatusCode::kCancelled);
  canceller.join();
  release->Notify();
}

TEST_F(HttpFaultsTest, BoundsTheHeader) {
  ServeRaw(absl::StrCat("HTTP/1.1 200 OK\r\nX: ", std::string(80 << 10, 'x'),
                        "\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(GetCode(), absl::StatusCode::kResourceExhausted);
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 9000; ++i) absl::StrAppend(&many, "X-", i, ": yz\r\n");
  ServeRaw(many + "\r\n");
  EXPECT_EQ(GetCode(), absl::StatusCode::kResourceExhausted);
  ServeRaw(absl::StrCat("HTTP/1.1 200 OK\r\nX: ", std::string(60 << 10, 'x'),
                        "\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(GetCode(), absl::StatusCode::kOk);
}

TEST_F(HttpFaultsTest, RefusesMalformedAnswers) {
  for (const char* raw :
       {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n"}) {
    ServeRaw(raw, Then::kClose);
    EXPECT_EQ(GetCode(), absl::StatusCode::kUnavailable) << raw;
  }
}

TEST_F(HttpFaultsTest, RefusesHostileChunks) {
  const std::string header = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  ServeRaw(header + "fffffffffffffff\r\nabc", Then::kStall);
  EXPECT_EQ(GetCode(), absl::StatusCode::kResourceExhausted);
  ServeRaw(header + "1;" + std::string(5000, 'x'), Then::kStall);
  EXPECT_EQ(GetCode(), absl::StatusCode::kResourceExhausted);
  ServeRaw(header + "0\r\nX: " + std::string(70000, 'x'), Then::kStall);
  EXPECT_EQ(GetCode(), absl::StatusCode::kResourceExhausted);
}

TEST_F(HttpFaultsTest, EndsAnEndlessRunOfInformationalAnswers) {
  std::string raw;
  for (int i = 0; i < 100; ++i) raw += "HTTP/1.1 103 Early Hints\r\n\r\n";
  ServeRaw(raw, Then::kStall);
  EXPECT_EQ(GetCode(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace tfserving_remote

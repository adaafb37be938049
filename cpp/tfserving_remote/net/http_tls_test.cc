// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/testing/http_client_fixture.h"
#include "tfserving_remote/testing/test_certificate.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;

class HttpTlsTest : public HttpClientFixture {
 protected:
  void SetUp() override {
    auto authority = TestAuthority::Create();
    ASSERT_TRUE(authority.ok()) << authority.status();
    authority_ = *std::move(authority);
    ca_file_ =
        absl::StrCat(::testing::TempDir(), "/",
                     ::testing::UnitTest::GetInstance()->current_test_info()->name(), ".ca.pem");
    std::ofstream(ca_file_) << authority_->certificate();
    HttpClientOptions options;
    options.ca_file = ca_file_;
    options.look_up = [](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; };
    UseClient(options);
  }
  void TearDown() override { std::remove(ca_file_.c_str()); }

  void ServeTls(ScriptedHandler handler, const TestCertificateOptions& certificate = {}) {
    ServeTlsWith(*authority_, std::move(handler), certificate);
  }
  void ServeTlsWith(TestAuthority& authority, ScriptedHandler handler,
                    const TestCertificateOptions& certificate = {}) {
    auto issued = authority.Issue(certificate);
    ASSERT_TRUE(issued.ok()) << issued.status();
    ScriptedServerOptions options;
    options.tls = *std::move(issued);
    Serve(std::move(handler), options);
  }
  void ExpectUntrusted(const std::string& reason) {
    const absl::Status status = Get().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(status.message()), HasSubstr(reason));
    EXPECT_TRUE(server_->requests().empty());
  }

  std::unique_ptr<TestAuthority> authority_;
  std::string ca_file_;
};

TEST_F(HttpTlsTest, TrustsTheGivenAuthority) {
  ServeTls(ServeContent("abc"));
  for (const char* host : {"localhost", "127.0.0.1"}) {
    host_ = host;
    const auto response = Get();
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->body, "abc");
  }
}

TEST_F(HttpTlsTest, KeepsConnectionsAlthoughTicketsArriveLate) {
  ServeTls(ServeContent("abc"));
  for (int i = 0; i < 3; ++i) ASSERT_EQ(GetStatus(), absl::OkStatus());
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(HttpTlsTest, ReadsALargeBodyIntoTheCallersMemory) {
  std::string content(5 << 20, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 + i / 997);
  ServeTls(ServeContent(content));
  std::string memory(content.size(), '\0');
  call_.body_into = absl::MakeSpan(&memory[0], memory.size());
  const auto response = Get();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(memory == content);
}

TEST_F(HttpTlsTest, SendsALargeBody) {
  ServeTls(ServeInTurn({{}}));
  HttpRequest request = Request("/object", "PUT");
  request.body = std::string(4 << 20, 'x');
  ASSERT_TRUE(Send(request).ok());
  EXPECT_EQ(server_->requests().at(0).body.size(), request.body.size());
}

TEST_F(HttpTlsTest, ResumesSessions) {
  ScriptedReply reply;
  reply.then = Then::kClose;
  ServeTls(ServeInTurn({reply}));
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(GetStatus(), absl::OkStatus());
    server_->AwaitNoConnection();
  }
  EXPECT_EQ(server_->connections(), 3);
  EXPECT_EQ(server_->resumptions(), 2);
}

TEST_F(HttpTlsTest, RefusesAnUnknownAuthority) {
  auto stranger = TestAuthority::Create();
  ASSERT_TRUE(stranger.ok());
  ServeTlsWith(**stranger, ServeContent("abc"));
  ExpectUntrusted("certificate verify failed");
}

TEST_F(HttpTlsTest, RefusesACertificateForAnotherHost) {
  TestCertificateOptions certificate;
  certificate.hosts = {"store.example", "*.store.example", "127.0.0.9"};
  ServeTls(ServeContent("abc"), certificate);
  host_ = "127.0.0.1";
  ExpectUntrusted("IP address mismatch");
  host_ = "other.example";
  ExpectUntrusted("hostname mismatch");
  host_ = "bucket.store.example";
  EXPECT_EQ(GetCode(), absl::StatusCode::kOk);
}

TEST_F(HttpTlsTest, RefusesAnExpiredCertificate) {
  TestCertificateOptions certificate;
  certificate.valid_for = -absl::Hours(1);
  ServeTls(ServeContent("abc"), certificate);
  ExpectUntrusted("certificate has expired");
}

TEST_F(HttpTlsTest, VerifiesNothingWhenTold) {
  auto stranger = TestAuthority::Create();
  ASSERT_TRUE(stranger.ok());
  ServeTlsWith(**stranger, ServeContent("abc"));
  HttpClientOptions options;
  options.verify_tls = false;
  UseClient(options);
  EXPECT_EQ(GetCode(), absl::StatusCode::kOk);
}

TEST_F(HttpTlsTest, HeedsSslCertFile) {
  setenv("SSL_CERT_FILE", ca_file_.c_str(), 1);
  UseClient({});
  ServeTls(ServeContent("abc"));
  EXPECT_EQ(GetCode(), absl::StatusCode::kOk);
  unsetenv("SSL_CERT_FILE");
  UseClient({});
  EXPECT_EQ(GetCode(), absl::StatusCode::kUnavailable);
}

TEST_F(HttpTlsTest, RefusesAnUnreadableAuthorityFile) {
  HttpClientOptions options;
  options.ca_file = "no/such/file.pem";
  const absl::Status status = CreateHttpClient(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no/such/file.pem"));
}

TEST_F(HttpTlsTest, ReportsACutBody) {
  ScriptedReply reply;
  reply.body = "abc";
  reply.declared_length = 10;
  reply.then = Then::kCut;
  ServeTls(ServeInTurn({reply}));
  EXPECT_EQ(GetCode(), absl::StatusCode::kDataLoss);
}

TEST_F(HttpTlsTest, TellsAnEndFromACut) {
  ScriptedReply reply;
  reply.body = "abc";
  reply.framing = Framing::kToEnd;
  reply.then = Then::kClose;
  ScriptedReply cut = reply;
  cut.then = Then::kCut;
  ServeTls(ServeInTurn({reply, cut}));
  EXPECT_EQ(GetCode(), absl::StatusCode::kOk);
  EXPECT_EQ(GetCode(), absl::StatusCode::kDataLoss);
}

TEST_F(HttpTlsTest, SendsAgainWhenAKeptConnectionTurnsOutClosed) {
  for (const Then then : {Then::kClose, Then::kCut, Then::kReset}) {
    ScriptedReply closed;
    closed.cut_at = 0;
    closed.then = then;
    ServeTls(ServeInTurn({{}, closed, {}}));
    ASSERT_EQ(GetStatus(), absl::OkStatus());
    const auto response = Get();
    EXPECT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(server_->connections(), 2);
  }
}

TEST_F(HttpTlsTest, ExplainsPlainTextOnTheTlsPort) {
  Serve(ServeContent("abc"));
  HttpRequest request = Request();
  request.origin.tls = true;
  const absl::Status status = Send(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("TLS handshake"));
}

}  // namespace
}  // namespace tfserving_remote

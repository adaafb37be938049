// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/tls_server_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tfserving_remote/testing/test_certificate.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TlsServerContextTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto authority = TestAuthority::Create();
    ASSERT_TRUE(authority.ok()) << authority.status();
    authority_ = *std::move(authority);
    auto server = authority_->Issue();
    ASSERT_TRUE(server.ok()) << server.status();
    options_.server_certificate = server->certificate;
    options_.server_key = server->key;
  }

  std::string Refusal() const {
    const auto context = MakeTlsServerContext(options_);
    EXPECT_EQ(context.status().code(), absl::StatusCode::kInvalidArgument) << context.status();
    return std::string(context.status().message());
  }

  std::unique_ptr<TestAuthority> authority_;
  GrpcTlsOptions options_;
};

TEST_F(TlsServerContextTest, TakesACertificateWithItsKeyAndChain) {
  EXPECT_TRUE(MakeTlsServerContext(options_).ok());
  options_.server_certificate += authority_->certificate();
  options_.client_ca = authority_->certificate();
  options_.require_client_certificate = true;
  EXPECT_TRUE(MakeTlsServerContext(options_).ok());
}

TEST_F(TlsServerContextTest, NamesThePartThatIsBrokenAndPrintsNoKey) {
  const std::string key = options_.server_key;
  options_.server_key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
  EXPECT_THAT(Refusal(), HasSubstr("server key"));
  EXPECT_THAT(Refusal(), Not(HasSubstr("c2VjcmV0")));
  options_.server_key = key;
  options_.server_certificate = "no certificate";
  EXPECT_THAT(Refusal(), HasSubstr("server certificate"));
}

TEST_F(TlsServerContextTest, RefusesTheKeyOfAnotherCertificate) {
  const auto other = authority_->Issue();
  ASSERT_TRUE(other.ok());
  options_.server_key = other->key;
  EXPECT_THAT(Refusal(), HasSubstr("does not belong"));
}

TEST_F(TlsServerContextTest, RefusesToDemandCertificatesNobodyMaySign) {
  options_.require_client_certificate = true;
  EXPECT_THAT(Refusal(), HasSubstr("no authority"));
  options_.client_ca = "garbage";
  EXPECT_THAT(Refusal(), HasSubstr("client authorities"));
}

TEST_F(TlsServerContextTest, AServerIsNotMadeOfNonsense) {
  const auto refused = [](GrpcServerOptions options) {
    return GrpcServer::Create(std::move(options)).status().code() ==
           absl::StatusCode::kInvalidArgument;
  };
  GrpcServerOptions options;
  options.port = -1;
  EXPECT_TRUE(refused(options));
  options.port = 65536;
  EXPECT_TRUE(refused(options));
  options.port = 0;
  options.io_threads = 0;
  EXPECT_TRUE(refused(options));
  options.io_threads = 1;
  options.tls = std::make_shared<GrpcTlsOptions>();
  EXPECT_TRUE(refused(options));
}

}  // namespace
}  // namespace tfserving_remote

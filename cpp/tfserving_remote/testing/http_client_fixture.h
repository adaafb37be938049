// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_TESTING_HTTP_CLIENT_FIXTURE_H_
#define TFSERVING_REMOTE_TESTING_HTTP_CLIENT_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tfserving_remote/net/http_client.h"
#include "tfserving_remote/testing/scripted_http_server.h"

namespace tfserving_remote {

/// For tests: a client and a server that talk to each other.
class HttpClientFixture : public ::testing::Test {
 protected:
  using Then = ScriptedReply::Then;
  using Framing = ScriptedReply::Framing;

  void Serve(ScriptedHandler handler, const ScriptedServerOptions& options = {}) {
    auto server = ScriptedHttpServer::Start(std::move(handler), options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  void ServeReplies(std::vector<ScriptedReply> replies) { Serve(ServeInTurn(std::move(replies))); }
  void ServeRaw(std::string raw, Then then = Then::kKeepAlive) {
    ScriptedReply reply;
    reply.raw = std::move(raw);
    reply.then = then;
    ServeReplies({reply});
  }

  void UseClient(HttpClientOptions options) {
    auto client = CreateHttpClient(std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  HttpRequest Request(std::string target = "/object", std::string method = "GET") const {
    HttpRequest request;
    request.method = std::move(method);
    request.origin = server_->origin(host_);
    request.target = std::move(target);
    return request;
  }

  absl::StatusOr<HttpResponse> Send(const HttpRequest& request) {
    if (client_ == nullptr) UseClient({});
    return client_->Send(request, call_);
  }
  absl::StatusOr<HttpResponse> Get() { return Send(Request()); }
  absl::Status GetStatus() { return Get().status(); }
  absl::StatusCode GetCode() { return Get().status().code(); }

  // Declared in this order so that the client goes first.
  std::unique_ptr<ScriptedHttpServer> server_;
  std::unique_ptr<HttpClient> client_;
  HttpCallOptions call_;
  std::string host_;  // empty: the server's address
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_TESTING_HTTP_CLIENT_FIXTURE_H_

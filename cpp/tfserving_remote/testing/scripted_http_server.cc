// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/testing/scripted_http_server.h"

#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <limits>
#include <map>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tfserving_remote/base/clock.h"

namespace tfserving_remote {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Error = boost::system::error_code;

std::string Text(boost::beast::string_view text) { return std::string(text); }

// One accepted connection, plain or under TLS.
class Peer {
 public:
  Peer(tcp::socket socket, ssl::context* tls) : socket_(std::move(socket)) {
    Error ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    if (tls != nullptr) tls_ = std::make_unique<ssl::stream<tcp::socket&>>(socket_, *tls);
  }

  int fd() { return socket_.native_handle(); }

  bool Handshake(bool* resumed) {
    if (tls_ == nullptr) return true;
    Error error;
    tls_->handshake(ssl::stream_base::server, error);
    *resumed = !error && SSL_session_reused(tls_->native_handle()) == 1;
    return !error;
  }

  // False when the client has gone.
  bool Read(ScriptedRequest* request) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(std::numeric_limits<uint64_t>::max());
    Error error;
    if (tls_ != nullptr) {
      http::read(*tls_, buffer_, parser, error);
    } else {
      http::read(socket_, buffer_, parser, error);
    }
    if (error) return false;
    request->method = Text(parser.get().method_string());
    request->target = Text(parser.get().target());
    for (const auto& field : parser.get()) {
      request->headers.push_back({Text(field.name_string()), Text(field.value())});
    }
    request->body = std::move(parser.get().body());
    return true;
  }

  bool Write(absl::string_view bytes) {
    Error error;
    const asio::const_buffer buffer(bytes.data(), bytes.size());
    if (tls_ != nullptr) {
      asio::write(*tls_, buffer, error);
    } else {
      asio::write(socket_, buffer, error);
    }
    return !error;
  }

  void Reset() {
    Error ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  }

  // Says good-bye without waiting for the client's own: nothing more is received.
  void EndTls() {
    if (tls_ == nullptr) return;
    Error ignored;
    socket_.shutdown(tcp::socket::shutdown_receive, ignored);
    tls_->shutdown(ignored);
  }

  // Until the client goes or somebody cuts the connection.
  void AwaitEnd() {
    char bytes[256];
    Error error;
    while (!error) socket_.read_some(asio::buffer(bytes), error);
  }

 private:
  tcp::socket socket_;
  std::unique_ptr<ssl::stream<tcp::socket&>> tls_;
  boost::beast::flat_buffer buffer_;
};

class ThreadedServer final : public ScriptedHttpServer {
 public:
  explicit ThreadedServer(ScriptedHandler handler) : handler_(std::move(handler)), acceptor_(io_) {}

  ~ThreadedServer() override {
    {
      absl::MutexLock lock(&mu_);
      stopping_ = true;
    }
    shutdown(acceptor_.native_handle(), SHUT_RDWR);  // wakes accept
    if (accepting_.joinable()) accepting_.join();
    CutConnections();
    for (std::thread& thread : serving_) thread.join();
  }

  absl::Status Open(const ScriptedServerOptions& options) {
    Error error;
    const auto address = asio::ip::make_address(options.address, error);
    if (error) return absl::InvalidArgumentError(absl::StrCat("address: ", error.message()));
    const tcp::endpoint endpoint(address, 0);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return absl::UnavailableError(absl::StrCat("listen: ", error.message()));
    if (options.tls.has_value()) {
      const auto& [certificate, key] = *options.tls;
      tls_ = std::make_unique<ssl::context>(ssl::context::tls_server);
      tls_->use_certificate_chain(asio::buffer(certificate), error);
      if (!error) tls_->use_private_key(asio::buffer(key), ssl::context::pem, error);
      if (error) return absl::InvalidArgumentError(absl::StrCat("TLS: ", error.message()));
    }
    address_ = options.address;
    accepting_ = std::thread([this] { Accept(); });
    return absl::OkStatus();
  }

  uint16_t port() const override { return acceptor_.local_endpoint().port(); }

  HttpOrigin origin(absl::string_view host) const override {
    return {tls_ != nullptr, host.empty() ? address_ : std::string(host), port()};
  }

  std::vector<ScriptedRequest> requests() const override {
    absl::MutexLock lock(&mu_);
    return requests_;
  }
  int connections() const override {
    absl::MutexLock lock(&mu_);
    return connections_;
  }
  int resumptions() const override {
    absl::MutexLock lock(&mu_);
    return resumptions_;
  }

  void AwaitRequests(size_t count) override {
    absl::MutexLock lock(&mu_);
    const auto enough = [this, count]()
                            ABSL_NO_THREAD_SAFETY_ANALYSIS { return requests_.size() >= count; };
    mu_.Await(absl::Condition(&enough));
  }

  void AwaitNoConnection() override {
    absl::MutexLock lock(&mu_);
    const auto none = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return open_.empty(); };
    mu_.Await(absl::Condition(&none));
  }

  void CutConnections() override {
    absl::MutexLock lock(&mu_);
    for (const auto& [connection, fd] : open_) shutdown(fd, SHUT_RDWR);
  }

 private:
  void Accept() {
    for (;;) {
      tcp::socket socket(io_);
      Error error;
      acceptor_.accept(socket, error);
      absl::MutexLock lock(&mu_);
      if (error || stopping_) return;
      const int connection = ++connections_;
      auto peer = std::make_shared<Peer>(std::move(socket), tls_.get());
      open_[connection] = peer->fd();
      serving_.emplace_back([this, connection, peer = std::move(peer)]() mutable {
        Serve(connection, *peer);
        absl::MutexLock closing(&mu_);
        open_.erase(connection);
        peer.reset();  // closed under the lock: nobody cuts a descriptor that is another's by now
      });
    }
  }

  void Serve(int connection, Peer& peer) {
    bool resumed = false;
    if (!peer.Handshake(&resumed)) return;
    if (resumed) {
      absl::MutexLock lock(&mu_);
      ++resumptions_;
    }
    for (;;) {
      ScriptedRequest request;
      request.connection = connection;
      if (!peer.Read(&request)) return;
      {
        absl::MutexLock lock(&mu_);
        requests_.push_back(request);
      }
      const ScriptedReply reply = handler_(request);
      if (!Send(reply, request.method == "HEAD", peer) || !GoOn(reply.then, peer)) return;
    }
  }

  bool Send(const ScriptedReply& reply, bool head, Peer& peer) {
    const std::string wire = reply.Wire();
    absl::string_view left = absl::string_view(wire).substr(0, reply.cut_at.value_or(wire.size()));
    if (head && reply.raw.empty()) left = left.substr(0, left.find("\r\n\r\n") + 4);
    if (reply.pause <= absl::ZeroDuration()) return peer.Write(left);
    for (; !left.empty(); left.remove_prefix(1)) {
      if (!peer.Write(left.substr(0, 1))) return false;
      Clock::Real().SleepFor(reply.pause, nullptr);
    }
    return true;
  }

  static bool GoOn(ScriptedReply::Then then, Peer& peer) {
    switch (then) {
      case ScriptedReply::Then::kKeepAlive:
        return true;
      case ScriptedReply::Then::kClose:
        peer.EndTls();
        return false;
      case ScriptedReply::Then::kCut:
        return false;
      case ScriptedReply::Then::kReset:
        peer.Reset();
        return false;
      case ScriptedReply::Then::kStall:
        peer.AwaitEnd();
        return false;
    }
    return false;
  }

  // Constant after Open.
  const ScriptedHandler handler_;
  std::unique_ptr<ssl::context> tls_;
  std::string address_;
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::thread accepting_;
  // Written by accepting_ alone until it is joined.
  std::vector<std::thread> serving_;
  // Guarded by mu_.
  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  int connections_ ABSL_GUARDED_BY(mu_) = 0;
  int resumptions_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<ScriptedRequest> requests_ ABSL_GUARDED_BY(mu_);
  std::map<int, int> open_ ABSL_GUARDED_BY(mu_);  // connection → descriptor
};

}  // namespace

absl::StatusOr<std::unique_ptr<ScriptedHttpServer>> ScriptedHttpServer::Start(
    ScriptedHandler handler, const ScriptedServerOptions& options) {
  auto server = std::make_unique<ThreadedServer>(std::move(handler));
  if (absl::Status status = server->Open(options); !status.ok()) return status;
  return server;
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/grpc_server.h"

#include <memory>
#include <unordered_set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tfserving_remote/net/grpc_connection.h"
#include "tfserving_remote/net/grpc_listener.h"
#include "tfserving_remote/net/io_loop.h"
#include "tfserving_remote/net/tls_server_context.h"

namespace tfserving_remote {
namespace {

class ServerImpl final : public GrpcServer {
 public:
  ServerImpl(GrpcServerOptions options, std::shared_ptr<SSL_CTX> tls)
      : options_(std::make_shared<const GrpcServerOptions>(std::move(options))),
        tls_(std::move(tls)) {}

  ~ServerImpl() override { Drain(absl::InfinitePast()); }

  void Handle(std::string method, GrpcHandler handler) override {
    (*handlers_)[std::move(method)] = std::move(handler);
  }

  absl::Status Start() override;
  int port() const override { return tcp_ == nullptr ? 0 : tcp_->port(); }
  bool Drain(absl::Time deadline) override;

 private:
  void Accept(GrpcListener::Accepted accepted);
  void Serve(GrpcListener::Accepted accepted, const std::shared_ptr<IoLoop>& loop);
  void OnClosed(GrpcConnection* connection);
  bool AllClosed() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return connections_.empty(); }
  void StopListening();
  /// Runs `action` for every connection on its own thread.
  void OnEachConnection(std::function<void(GrpcConnection&)> action);

  // Constant after Start.
  const std::shared_ptr<const GrpcServerOptions> options_;
  const std::shared_ptr<SSL_CTX> tls_;
  const std::shared_ptr<GrpcHandlers> handlers_ = std::make_shared<GrpcHandlers>();
  std::vector<std::shared_ptr<IoLoop>> loops_;
  std::unique_ptr<GrpcListener> tcp_;
  std::unique_ptr<GrpcListener> unix_;
  // First loop's thread only.
  size_t next_loop_ = 0;
  // Guarded by mu_.
  struct Entry {
    std::shared_ptr<IoLoop> loop;
    std::shared_ptr<GrpcConnection> connection;
  };
  absl::Mutex mu_;
  bool started_ ABSL_GUARDED_BY(mu_) = false;
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  size_t cut_calls_ ABSL_GUARDED_BY(mu_) = 0;
  std::unordered_map<GrpcConnection*, Entry> connections_ ABSL_GUARDED_BY(mu_);
};

absl::Status ServerImpl::Start() {
  for (int i = 0; i < options_->io_threads; ++i) loops_.push_back(std::make_shared<IoLoop>());
  auto accept = [this](GrpcListener::Accepted accepted) { Accept(std::move(accepted)); };
  if (options_->port >= 0) {
    auto listener = GrpcListener::Tcp(loops_[0], options_->host, options_->port, accept);
    if (!listener.ok()) return listener.status();
    tcp_ = *std::move(listener);
  }
  if (!options_->unix_socket_path.empty()) {
    auto listener = GrpcListener::Unix(loops_[0], options_->unix_socket_path, accept);
    if (!listener.ok()) return listener.status();
    unix_ = *std::move(listener);
  }
  {
    absl::MutexLock lock(&mu_);
    started_ = true;
  }
  for (const auto& loop : loops_) loop->Start();
  for (GrpcListener* listener : {tcp_.get(), unix_.get()}) {
    if (listener != nullptr) loops_[0]->Post([listener] { listener->Open(); });
  }
  return absl::OkStatus();
}

void ServerImpl::Accept(GrpcListener::Accepted accepted) {
  const std::shared_ptr<IoLoop>& loop = loops_[next_loop_++ % loops_.size()];
  if (loop->on_loop_thread()) {
    Serve(std::move(accepted), loop);
    return;
  }
  auto moved = std::make_shared<GrpcListener::Accepted>(std::move(accepted));
  loop->Post([this, moved, loop] { Serve(std::move(*moved), loop); });
}

void ServerImpl::Serve(GrpcListener::Accepted accepted, const std::shared_ptr<IoLoop>& loop) {
  auto environment = std::make_shared<GrpcCallEnvironment>();
  environment->loop = loop;
  environment->options = options_;
  environment->handlers = handlers_;
  environment->peer = std::make_shared<const std::string>(std::move(accepted.peer));
  GrpcConnection::Socket socket(loop->context());
  boost::system::error_code error;
  socket.assign(accepted.protocol, accepted.socket.get(), error);
  if (error) return;
  accepted.socket.Release();
  auto connection =
      std::make_shared<GrpcConnection>(std::move(socket), tls_, std::move(environment),
                                       [this](GrpcConnection* closed) { OnClosed(closed); });
  {
    absl::MutexLock lock(&mu_);
    if (draining_) return;
    connections_[connection.get()] = {loop, connection};
  }
  connection->Start();
}

void ServerImpl::OnClosed(GrpcConnection* connection) {
  absl::MutexLock lock(&mu_);
  connections_.erase(connection);
}

void ServerImpl::StopListening() {
  // The listener's own thread must be the one to close it; afterwards nothing new can come.
  absl::Mutex mu;
  bool closed = false;
  loops_[0]->Post([&] {
    for (GrpcListener* listener : {tcp_.get(), unix_.get()}) {
      if (listener != nullptr) listener->Close();
    }
    absl::MutexLock lock(&mu);
    closed = true;
  });
  absl::MutexLock lock(&mu);
  mu.Await(absl::Condition(&closed));
}

void ServerImpl::OnEachConnection(std::function<void(GrpcConnection&)> action) {
  std::vector<Entry> entries;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [key, entry] : connections_) entries.push_back(entry);
  }
  for (const Entry& entry : entries) {
    entry.loop->Post([connection = entry.connection, action] { action(*connection); });
  }
}

bool ServerImpl::Drain(absl::Time deadline) {
  {
    absl::MutexLock lock(&mu_);
    if (!started_ || draining_) return cut_calls_ == 0;
    draining_ = true;
  }
  StopListening();
  OnEachConnection([](GrpcConnection& connection) { connection.Drain(); });
  bool all_closed;
  {
    absl::MutexLock lock(&mu_);
    all_closed = mu_.AwaitWithDeadline(absl::Condition(this, &ServerImpl::AllClosed), deadline);
  }
  if (!all_closed) {
    OnEachConnection([this](GrpcConnection& connection) {
      const size_t cut = connection.Cut(absl::UnavailableError("the server is shutting down"));
      absl::MutexLock lock(&mu_);
      cut_calls_ += cut;
    });
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(this, &ServerImpl::AllClosed));
  }
  for (const auto& loop : loops_) loop->Stop();
  absl::MutexLock lock(&mu_);
  return cut_calls_ == 0;
}

absl::Status Validate(const GrpcServerOptions& options) {
  if (options.port > 65535) return absl::InvalidArgumentError("grpc: no such port");
  if (options.port < 0 && options.unix_socket_path.empty()) {
    return absl::InvalidArgumentError("grpc: neither a port nor a unix socket to listen on");
  }
  if (options.io_threads < 1) return absl::InvalidArgumentError("grpc: needs an I/O thread");
  if (options.max_concurrent_streams < 1) {
    return absl::InvalidArgumentError("grpc: max_concurrent_streams must be positive");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Create(GrpcServerOptions options) {
  absl::Status status = Validate(options);
  if (!status.ok()) return status;
  std::shared_ptr<SSL_CTX> tls;
  if (options.tls != nullptr) {
    auto context = MakeTlsServerContext(*options.tls);
    if (!context.ok()) return context.status();
    tls = *std::move(context);
  }
  return std::make_unique<ServerImpl>(std::move(options), std::move(tls));
}

}  // namespace tfserving_remote

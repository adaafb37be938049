// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/http_client.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tfserving_remote/net/call_limits.h"
#include "tfserving_remote/net/connection.h"
#include "tfserving_remote/net/connection_pool.h"
#include "tfserving_remote/net/request_writer.h"
#include "tfserving_remote/net/resolver.h"
#include "tfserving_remote/net/response_reader.h"
#include "tfserving_remote/net/tls_client.h"

namespace tfserving_remote {
namespace {

// `verb url: what`, without the query string: it may hold a signature.
absl::Status Explain(const HttpRequest& request, const absl::Status& status) {
  const absl::string_view target = request.target;
  return absl::Status(status.code(),
                      absl::StrCat(request.method, " ", request.origin.ToString(),
                                   target.substr(0, target.find('?')), ": ", status.message()));
}

// Whether sending it twice does the same as sending it once.
bool IsIdempotent(absl::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS";
}

class PoolingHttpClient final : public HttpClient {
 public:
  explicit PoolingHttpClient(HttpClientOptions options)
      : options_(std::move(options)),
        resolver_(options_.look_up),
        pool_(options_.max_idle_per_origin, options_.max_idle_time) {}

  absl::StatusOr<HttpResponse> Send(const HttpRequest& request,
                                    const HttpCallOptions& options) override {
    if (absl::Status status = CheckRequest(request); !status.ok()) return status;
    absl::StatusOr<HttpResponse> response = SendChecked(request, options);
    if (!response.ok()) return Explain(request, response.status());
    return response;
  }

  // Sets TLS up when it is first needed: reading the system's authorities takes a while.
  absl::StatusOr<TlsClient*> Tls() {
    absl::MutexLock lock(&mu_);
    if (tls_ == nullptr) {
      absl::StatusOr<std::unique_ptr<TlsClient>> made =
          TlsClient::Create({options_.ca_file, options_.verify_tls});
      if (!made.ok()) return made.status();
      tls_ = *std::move(made);
    }
    return tls_.get();
  }

 private:
  absl::StatusOr<HttpResponse> SendChecked(const HttpRequest& request,
                                           const HttpCallOptions& options) {
    absl::StatusOr<std::unique_ptr<CallLimits>> limits =
        CallLimits::Create(options.deadline, options.stall_timeout, options.cancellation);
    if (!limits.ok()) return limits.status();
    const std::string origin = request.origin.ToString();
    if (std::unique_ptr<Connection> kept = pool_.Take(origin, MonotonicNow())) {
      bool stale = false;
      absl::StatusOr<HttpResponse> response =
          Exchange(request, options, **limits, std::move(kept), &stale);
      if (response.ok() || !stale || !IsIdempotent(request.method)) return response;
    }
    absl::StatusOr<std::unique_ptr<Connection>> fresh = Open(request.origin, options, **limits);
    if (!fresh.ok()) return fresh.status();
    bool closed_unanswered = false;
    return Exchange(request, options, **limits, *std::move(fresh), &closed_unanswered);
  }

  // One request and its answer. `closed_unanswered` tells that the peer closed the connection
  // before the first byte of an answer.
  absl::StatusOr<HttpResponse> Exchange(const HttpRequest& request, const HttpCallOptions& options,
                                        const CallLimits& limits,
                                        std::unique_ptr<Connection> connection,
                                        bool* closed_unanswered) {
    absl::Status sent = WriteRequest(request, options_.user_agent, *connection, limits);
    if (!sent.ok()) {
      *closed_unanswered = connection->closed_by_peer();
      return sent;
    }
    ResponseReader reader(*connection, limits);
    absl::StatusOr<HttpResponse> response = reader.Read(request.method == "HEAD", options);
    *closed_unanswered = !reader.any() && connection->closed_by_peer();
    if (response.ok() && reader.reusable()) {
      pool_.Put(request.origin.ToString(), std::move(connection), MonotonicNow());
    }
    return response;
  }

  absl::StatusOr<std::unique_ptr<Connection>> Open(const HttpOrigin& origin,
                                                   const HttpCallOptions& options,
                                                   const CallLimits& limits) {
    absl::StatusOr<std::vector<SocketAddress>> addresses =
        resolver_.Resolve(origin.host, origin.port, limits, options.look_up_timeout);
    if (!addresses.ok()) return addresses.status();
    const absl::Duration give_up = MonotonicNow() + options.connect_timeout;
    absl::StatusOr<UniqueFd> socket = ConnectTcp(*addresses, give_up, limits);
    if (!socket.ok()) return socket.status();
    if (!origin.tls) return MakePlainConnection(*std::move(socket));
    absl::StatusOr<TlsClient*> tls = Tls();
    if (!tls.ok()) return tls.status();
    return (*tls)->Handshake(*std::move(socket), origin.host, origin.ToString(), give_up, limits);
  }

  // Constant after construction.
  const HttpClientOptions options_;
  // Synchronises itself.
  Resolver resolver_;
  // Guarded by mu_; never changed once it is set.
  absl::Mutex mu_;
  std::unique_ptr<TlsClient> tls_ ABSL_GUARDED_BY(mu_);
  // Synchronises itself. Declared last: its connections need tls_.
  ConnectionPool pool_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpClient>> CreateHttpClient(HttpClientOptions options) {
  const bool check_authorities = !options.ca_file.empty();
  auto client = std::make_unique<PoolingHttpClient>(std::move(options));
  if (check_authorities) {
    if (absl::StatusOr<TlsClient*> tls = client->Tls(); !tls.ok()) return tls.status();
  }
  return client;
}

}  // namespace tfserving_remote

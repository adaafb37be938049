// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_GRPC_SERVER_H_
#define TFSERVING_REMOTE_NET_GRPC_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tfserving_remote {

/// A piece of an outgoing message; `owner` keeps the bytes alive until they are on the wire.
struct GrpcSlice {
  const char* data = nullptr;
  size_t size = 0;
  std::shared_ptr<const void> owner;

  static GrpcSlice Of(std::string bytes);
};

/// One call, seen from the service. Methods may be called from any thread, also after the peer has
/// gone away.
///
/// Units:    bytes; absl::Time.
/// Errors:   Write and Finish after the end are ignored.
/// Threads:  safe to call from any thread. Callbacks run on the connection's I/O thread, or at once
///           on the caller's when their outcome is known already; they must not block.
/// Lifetime: shared; the transport lets go of it when the call has ended.
class GrpcCall {
 public:
  virtual ~GrpcCall() = default;

  /// "/package.Service/Method".
  virtual absl::string_view method() const = 0;
  /// The whole request message, decompressed.
  virtual absl::string_view request() const = 0;
  /// First value of a metadata key (lower case); binary values (`-bin`) are already decoded. Empty
  /// when absent.
  virtual absl::string_view metadata(absl::string_view key) const = 0;
  virtual absl::string_view peer() const = 0;
  /// From `grpc-timeout`; InfiniteFuture without one.
  virtual absl::Time deadline() const = 0;

  /// True once the peer reset the stream, went away, or the deadline passed.
  virtual bool cancelled() const = 0;
  /// Runs `on_cancel` once when the call is cancelled, or at once when it already is; never after
  /// the call has finished.
  virtual void OnCancel(std::function<void()> on_cancel) = 0;

  /// Sends one message (server streaming; a unary call sends at most one). `done`, when given, runs
  /// when the message has left for the socket (true) or will never (false).
  virtual void Write(std::vector<GrpcSlice> message, std::function<void(bool)> done) = 0;
  /// Ends the call with trailers. An error status ends it also when a message is still queued.
  virtual void Finish(const absl::Status& status) = 0;
};

/// Runs on an I/O thread: it must not block. Long work goes to the service's own threads and ends
/// with Finish.
using GrpcHandler = std::function<void(std::shared_ptr<GrpcCall>)>;

struct GrpcTlsOptions {
  /// PEM contents, not file names.
  std::string server_key;
  std::string server_certificate;
  /// Authorities that may sign client certificates.
  std::string client_ca;
  bool require_client_certificate = false;
};

struct GrpcServerOptions {
  /// TCP port on `host`; 0 lets the system choose; below 0: no TCP.
  int port = 0;
  std::string host = "0.0.0.0";
  /// Additional or sole listener; empty: none.
  std::string unix_socket_path;
  int io_threads = 1;
  /// Longest request message. gRPC's wire format allows 4 GiB - 1, protobuf 2 GiB - 1.
  uint64_t max_request_bytes = (uint64_t{1} << 31) - 1;
  uint32_t max_concurrent_streams = 1000;
  uint64_t max_metadata_bytes = 64 << 10;
  /// A ping is sent after this long without a byte, and the connection closed when no answer comes.
  absl::Duration keepalive_time = absl::Hours(2);
  absl::Duration keepalive_timeout = absl::Seconds(20);
  /// A connection gets a GOAWAY at this age and may finish its calls.
  absl::Duration max_connection_age = absl::InfiniteDuration();
  /// Null: plain text.
  std::shared_ptr<const GrpcTlsOptions> tls;
};

/// gRPC over HTTP/2: nghttp2 for frames, Asio for sockets.
///
/// Units:    bytes; absl::Duration.
/// Errors:   Start says which address could not be bound and why.
/// Threads:  Create, Handle, Start and Drain from one thread; handlers run on I/O threads.
/// Lifetime: what the handlers use outlives the server. The destructor drains without waiting;
/// calls
///           may be held longer than the server lives.
class GrpcServer {
 public:
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Create(GrpcServerOptions options);
  virtual ~GrpcServer() = default;

  /// Before Start. An unknown method is answered UNIMPLEMENTED.
  virtual void Handle(std::string method, GrpcHandler handler) = 0;
  /// Opens the ports and returns; I/O runs on its own threads.
  virtual absl::Status Start() = 0;
  /// The TCP port that is bound; 0 when there is none.
  virtual int port() const = 0;

  /// Stops accepting, sends GOAWAY, lets running calls finish until `deadline`, then resets them.
  /// Returns when all connections are closed. True when no call had to be cut off.
  virtual bool Drain(absl::Time deadline) = 0;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_GRPC_SERVER_H_

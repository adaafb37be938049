// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_TESTING_SCRIPTED_HTTP_SERVER_H_
#define TFSERVING_REMOTE_TESTING_SCRIPTED_HTTP_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tfserving_remote/net/http_client.h"
#include "tfserving_remote/testing/test_certificate.h"

namespace tfserving_remote {

/// A request as the server got it.
struct ScriptedRequest {
  std::string method;
  std::string target;
  std::vector<HttpHeader> headers;
  std::string body;
  /// Which connection it came over, counted from 1.
  int connection = 0;
};

/// An answer, with whatever faults the test wants.
struct ScriptedReply {
  enum class Then {
    kKeepAlive,  // wait for the next request
    kClose,      // end the stream in order
    kCut,        // end the stream, under TLS without its closing message
    kReset,      // RST
    kStall,      // send nothing more and wait until the server stops
  };
  enum class Framing {
    kCounted,  // Content-Length
    kChunked,  // chunks of `chunk_bytes`
    kToEnd,    // neither: the body ends with the connection
  };

  int status = 200;
  std::vector<HttpHeader> headers;
  std::string body;
  Framing framing = Framing::kCounted;
  /// What Content-Length says instead of the truth.
  std::optional<uint64_t> declared_length;
  size_t chunk_bytes = 1000;
  /// When not empty, sent instead of all of the above.
  std::string raw;
  /// Only so many bytes are sent, counted from the first of the header; then comes `then`.
  std::optional<size_t> cut_at;
  /// When positive, bytes go one by one with this pause between them.
  absl::Duration pause = absl::ZeroDuration();
  Then then = Then::kKeepAlive;

  /// The bytes that go over the wire when nothing cuts them.
  std::string Wire() const;
};

/// Answers one request. Called on the connection's thread, several at once.
using ScriptedHandler = std::function<ScriptedReply(const ScriptedRequest&)>;

/// Serves `content` under every target, whole or the range that is asked for.
ScriptedHandler ServeContent(std::string content);
/// Answers with `replies` in turn, and with the last one for ever after.
ScriptedHandler ServeInTurn(std::vector<ScriptedReply> replies);

struct ScriptedServerOptions {
  /// With TLS when set.
  std::optional<TestCertificate> tls;
  /// Numeric address to listen on.
  std::string address = "127.0.0.1";
};

/// A real HTTP/1.1 server on a loopback port, one thread per connection, that misbehaves to order.
///
/// Units:    bytes; absl::Duration.
/// Errors:   Start says why the port could not be opened.
/// Threads:  safe to call from any thread.
/// Lifetime: the destructor cuts every connection and joins all threads.
class ScriptedHttpServer {
 public:
  static absl::StatusOr<std::unique_ptr<ScriptedHttpServer>> Start(
      ScriptedHandler handler, const ScriptedServerOptions& options = {});
  virtual ~ScriptedHttpServer() = default;

  virtual uint16_t port() const = 0;
  /// Where it is reached; `host` is the address when empty.
  virtual HttpOrigin origin(absl::string_view host = "") const = 0;

  /// Everything asked so far.
  virtual std::vector<ScriptedRequest> requests() const = 0;
  /// Connections accepted so far, also those whose handshake failed.
  virtual int connections() const = 0;
  /// TLS handshakes that resumed a session.
  virtual int resumptions() const = 0;

  /// Wait, without a limit of their own, until that many requests have come, or until no
  /// connection is open any more.
  virtual void AwaitRequests(size_t count) = 0;
  virtual void AwaitNoConnection() = 0;

  /// Cuts the connections that are open and goes on accepting.
  virtual void CutConnections() = 0;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_TESTING_SCRIPTED_HTTP_SERVER_H_

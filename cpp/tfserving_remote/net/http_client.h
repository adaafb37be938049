// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_HTTP_CLIENT_H_
#define TFSERVING_REMOTE_NET_HTTP_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tfserving_remote/base/cancellation.h"

namespace tfserving_remote {

struct HttpHeader {
  std::string name;
  std::string value;
};

/// First value of a header, compared without regard to case.
std::optional<absl::string_view> FindHeader(const std::vector<HttpHeader>& headers,
                                            absl::string_view name);

/// Scheme, host and port of a server: "https://host:443". Paths, queries and user names are
/// refused.
struct HttpOrigin {
  bool tls = false;
  /// Name or address; IPv6 without brackets.
  std::string host;
  uint16_t port = 0;

  static absl::StatusOr<HttpOrigin> Parse(absl::string_view text);
  /// Value of the Host header: the port only where it is not the scheme's own; IPv6 in brackets.
  std::string HostHeader() const;
  std::string ToString() const;
};

struct HttpRequest {
  std::string method = "GET";
  HttpOrigin origin;
  /// Path and query as they go over the wire, already percent-encoded; begins with '/'.
  std::string target;
  /// Without Host, Content-Length and Connection, which the client writes.
  std::vector<HttpHeader> headers;
  std::string body;
};

struct HttpCallOptions {
  /// For name look-up. One dead name server in resolv.conf already costs 5 s.
  absl::Duration look_up_timeout = absl::Seconds(15);
  /// For the TCP handshake, with all addresses tried, and the TLS handshake together.
  absl::Duration connect_timeout = absl::Seconds(5);
  /// Longest wait for the next byte. A store that sends one byte now and then is caught by
  /// `deadline` instead.
  absl::Duration stall_timeout = absl::Seconds(30);
  absl::Time deadline = absl::InfiniteFuture();
  /// May be null. Firing closes the socket at once.
  Cancellation* cancellation = nullptr;
  /// Where the body of a 200 or 206 goes when not empty: read from the socket straight into this
  /// memory. The body must then have exactly this length. Bodies of other statuses go to
  /// HttpResponse::body.
  absl::Span<char> body_into;
  /// Longest body that is taken into HttpResponse::body; a longer one is RESOURCE_EXHAUSTED.
  uint64_t max_body_bytes = 64 << 20;
};

struct HttpResponse {
  int status = 0;
  std::vector<HttpHeader> headers;
  std::string body;
  /// Bytes read into HttpCallOptions::body_into.
  uint64_t bytes_into = 0;
};

/// Sends HTTP/1.1 requests over kept-alive connections. Never follows a redirect and never retries:
/// both are the caller's to decide, except that an idempotent request (not a POST) is sent again on
/// a fresh connection when a kept-alive one turned out to be closed before the first byte of an
/// answer.
///
/// Units:    bytes.
/// Errors:   UNAVAILABLE (connect, reset, stall, TLS, name look-up, malformed answer; worth
///           retrying), DEADLINE_EXCEEDED, CANCELLED, DATA_LOSS (body shorter or longer than
///           declared or than `body_into`), RESOURCE_EXHAUSTED (body longer than max_body_bytes,
///           header longer than 64 KiB), INVALID_ARGUMENT (malformed request). Any complete answer
///           is OK, whatever its HTTP status.
/// Threads:  safe to call from any thread; a call blocks its thread.
/// Lifetime: outlives its calls; the destructor closes idle connections. A name look-up that a call
///           gave up waiting for ends by itself, maybe after the client is gone.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual absl::StatusOr<HttpResponse> Send(const HttpRequest& request,
                                            const HttpCallOptions& options) = 0;
};

struct HttpClientOptions {
  /// Kept-alive connections per origin; more calls at once open more and close them afterwards.
  int max_idle_per_origin = 64;
  absl::Duration max_idle_time = absl::Seconds(20);
  std::string user_agent = "tfserving-remote";
  /// PEM file of certificate authorities. Empty: those named by SSL_CERT_FILE and SSL_CERT_DIR, or
  /// else the system's.
  std::string ca_file;
  /// Off only for tests against self-signed stores.
  bool verify_tls = true;
  /// Numeric addresses of a host, in the order to try; may block. Empty: the system's resolver.
  std::function<absl::StatusOr<std::vector<std::string>>(const std::string& host)> look_up;
};

absl::StatusOr<std::unique_ptr<HttpClient>> CreateHttpClient(HttpClientOptions options);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_HTTP_CLIENT_H_

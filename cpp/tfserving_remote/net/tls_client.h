// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_TLS_CLIENT_H_
#define TFSERVING_REMOTE_NET_TLS_CLIENT_H_

#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tfserving_remote/net/connection.h"
#include "tfserving_remote/net/unique_fd.h"

namespace tfserving_remote {

struct TlsClientOptions {
  /// PEM file of certificate authorities. Empty: the files SSL_CERT_FILE and SSL_CERT_DIR name or,
  /// without these, the bundle of this system, wherever its distribution keeps it.
  std::string ca_file;
  bool verify = true;
};

/// The client's side of TLS 1.2 and 1.3: trusted authorities and sessions to resume.
///
/// Units:    absl::Duration; `give_up` as MonotonicNow counts.
/// Errors:   UNAVAILABLE for every failed handshake; INVALID_ARGUMENT for an unreadable ca_file.
/// Threads:  safe to call from any thread.
/// Lifetime: outlives its connections.
class TlsClient {
 public:
  static absl::StatusOr<std::unique_ptr<TlsClient>> Create(const TlsClientOptions& options);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  /// Shakes hands over a connected socket. The certificate must be for `host`, a name or an
  /// address. A session with the same `origin` is resumed where the server allows it.
  absl::StatusOr<std::unique_ptr<Connection>> Handshake(UniqueFd socket, const std::string& host,
                                                        const std::string& origin,
                                                        absl::Duration give_up,
                                                        const CallLimits& limits);

 private:
  struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  struct FreeSession {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  using Session = std::unique_ptr<SSL_SESSION, FreeSession>;

  explicit TlsClient(std::unique_ptr<SSL_CTX, FreeContext> context, bool knows_authorities);
  static int KeepSession(SSL* ssl, SSL_SESSION* session);
  /// The newest session with `origin`, given away: a ticket is used once. Null when there is none.
  Session TakeSession(const std::string& origin);

  // Constant after construction.
  const std::unique_ptr<SSL_CTX, FreeContext> context_;
  const bool knows_authorities_;
  // Guarded by mu_.
  absl::Mutex mu_;
  std::map<std::string, Session> sessions_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_TLS_CLIENT_H_

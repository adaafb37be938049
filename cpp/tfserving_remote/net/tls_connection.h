// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_TLS_CONNECTION_H_
#define TFSERVING_REMOTE_NET_TLS_CONNECTION_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "tfserving_remote/net/connection.h"

namespace tfserving_remote {

/// TLS over a socket that does not block.
///
/// Units:    bytes; `give_up` as MonotonicNow counts.
/// Errors:   as Connection.
/// Threads:  one thread at a time.
/// Lifetime: the destructor says good-bye without waiting and closes the socket.
class TlsConnection final : public Connection {
 public:
  /// Takes over `ssl`. `origin` is what KeepSession finds with OriginOf.
  TlsConnection(SSL* ssl, UniqueFd socket, std::string origin);
  ~TlsConnection() override;

  absl::Status Handshake(absl::Duration give_up, const CallLimits& limits);
  absl::StatusOr<size_t> ReadSome(absl::Span<char> into, const CallLimits& limits) override;
  absl::Status WriteAll(absl::string_view bytes, const CallLimits& limits) override;
  Idle Probe() override;

  static const std::string& OriginOf(const SSL* ssl);

 private:
  /// What the last system call on the socket said; OpenSSL itself keeps only "it failed".
  struct SocketState {
    int fd = -1;
    int error = 0;
    bool ended = false;
  };
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  static BIO_METHOD* SocketMethod();
  static int SocketRead(BIO* bio, char* into, int size);
  static int SocketWrite(BIO* bio, const char* bytes, int size);
  static long SocketControl(BIO* bio, int command, long number, void* pointer);

  /// The poll(2) events to wait for, or 0 when the operation has failed for good.
  short EventsToAwait(int result) const;
  /// What went wrong, once EventsToAwait has answered 0.
  absl::Status Failure(absl::string_view doing);

  const UniqueFd socket_;
  SocketState state_;
  const std::string origin_;
  const std::unique_ptr<SSL, FreeSsl> ssl_;
  bool failed_ = false;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_TLS_CONNECTION_H_

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/tls_connection.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

int ClampToInt(size_t size) { return static_cast<int>(std::min<size_t>(size, INT_MAX)); }

std::string OpenSslText() {
  const unsigned long code = ERR_peek_last_error();  // the outermost: what was being done
  if (code == 0) return "connection closed";
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : absl::StrCat("error ", absl::Hex(code));
}

}  // namespace

// OpenSSL's own socket BIO uses write(2), which raises SIGPIPE.
BIO_METHOD* TlsConnection::SocketMethod() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "nosignal socket");
    BIO_meth_set_read(made, &TlsConnection::SocketRead);
    BIO_meth_set_write(made, &TlsConnection::SocketWrite);
    BIO_meth_set_ctrl(made, &TlsConnection::SocketControl);
    return made;
  }();
  return method;
}

int TlsConnection::SocketRead(BIO* bio, char* into, int size) {
  auto* state = static_cast<SocketState*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t got = recv(state->fd, into, static_cast<size_t>(size), 0);
  if (got < 0) {
    state->error = errno;
    if (errno == EAGAIN || errno == EINTR) BIO_set_retry_read(bio);
  }
  if (got == 0) state->ended = true;
  return static_cast<int>(got);
}

int TlsConnection::SocketWrite(BIO* bio, const char* bytes, int size) {
  auto* state = static_cast<SocketState*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t sent = send(state->fd, bytes, static_cast<size_t>(size), MSG_NOSIGNAL);
  if (sent < 0) {
    state->error = errno;
    if (errno == EAGAIN || errno == EINTR) BIO_set_retry_write(bio);
  }
  return static_cast<int>(sent);
}

long TlsConnection::SocketControl(BIO* bio, int command, long number, void* pointer) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

TlsConnection::TlsConnection(SSL* ssl, UniqueFd socket, std::string origin)
    : socket_(std::move(socket)), origin_(std::move(origin)), ssl_(ssl) {
  state_.fd = socket_.get();
  BIO* bio = BIO_new(SocketMethod());
  BIO_set_data(bio, &state_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_connect_state(ssl_.get());
}

TlsConnection::~TlsConnection() {
  // After a fatal error OpenSSL must not be asked for a closing message.
  if (!failed_ && SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

const std::string& TlsConnection::OriginOf(const SSL* ssl) {
  return static_cast<const TlsConnection*>(SSL_get_app_data(ssl))->origin_;
}

short TlsConnection::EventsToAwait(int result) const {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return POLLIN;
    case SSL_ERROR_WANT_WRITE:
      return POLLOUT;
    default:
      return 0;
  }
}

absl::Status TlsConnection::Failure(absl::string_view doing) {
  failed_ = true;
  clean_end_ = false;
  const bool network_failed = ERR_peek_error() == 0 && !state_.ended && state_.error != 0;
  closed_by_peer_ = state_.ended || (network_failed && IsDisconnect(state_.error));
  const std::string why = network_failed ? ErrnoText(state_.error) : OpenSslText();
  ERR_clear_error();
  return absl::UnavailableError(absl::StrCat("TLS ", doing, ": ", why));
}

absl::Status TlsConnection::Handshake(absl::Duration give_up, const CallLimits& limits) {
  for (;;) {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) return absl::OkStatus();
    const short events = EventsToAwait(result);
    if (events == 0) break;
    absl::Status waited = limits.WaitUntilReady(socket_.get(), events, give_up - MonotonicNow());
    if (!waited.ok()) {
      failed_ = true;
      return absl::Status(waited.code(), absl::StrCat("TLS handshake: ", waited.message()));
    }
  }
  const long verdict = SSL_get_verify_result(ssl_.get());
  absl::Status failure = Failure("handshake");
  if (verdict == X509_V_OK) return failure;
  return absl::UnavailableError(
      absl::StrCat(failure.message(), ": ", X509_verify_cert_error_string(verdict)));
}

absl::StatusOr<size_t> TlsConnection::ReadSome(absl::Span<char> into, const CallLimits& limits) {
  if (absl::Status status = limits.Check(); !status.ok()) return status;
  for (;;) {
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), into.data(), ClampToInt(into.size()));
    if (got > 0) return static_cast<size_t>(got);
    const short events = EventsToAwait(got);
    if (events == 0) {
      if (SSL_get_error(ssl_.get(), got) == SSL_ERROR_ZERO_RETURN) {
        closed_by_peer_ = true;
        return 0;
      }
      absl::Status failure = Failure("read");
      if (state_.ended) return 0;
      return failure;
    }
    absl::Status waited = limits.WaitUntilReady(socket_.get(), events);
    if (!waited.ok()) return waited;
  }
}

absl::Status TlsConnection::WriteAll(absl::string_view bytes, const CallLimits& limits) {
  if (absl::Status status = limits.Check(); !status.ok()) return status;
  while (!bytes.empty()) {
    ERR_clear_error();
    const int sent = SSL_write(ssl_.get(), bytes.data(), ClampToInt(bytes.size()));
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    const short events = EventsToAwait(sent);
    if (events == 0) return Failure("write");
    absl::Status waited = limits.WaitUntilReady(socket_.get(), events);
    if (!waited.ok()) return waited;
  }
  return absl::OkStatus();
}

// Peeking also digests what may rightly arrive on an idle connection: session tickets.
Connection::Idle TlsConnection::Probe() {
  if (failed_) return Idle::kClosed;
  ERR_clear_error();
  char byte;
  const int got = SSL_peek(ssl_.get(), &byte, 1);
  if (got > 0) return Idle::kUnexpectedBytes;
  if (EventsToAwait(got) == POLLIN) return Idle::kQuiet;
  failed_ = SSL_get_error(ssl_.get(), got) != SSL_ERROR_ZERO_RETURN;
  ERR_clear_error();
  return Idle::kClosed;
}

}  // namespace tfserving_remote

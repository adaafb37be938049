// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_BYTE_STREAM_H_
#define TFSERVING_REMOTE_NET_BYTE_STREAM_H_

#include <sys/uio.h>

#include <cstddef>
#include <memory>

#include "absl/types/span.h"

using SSL_CTX = struct ssl_ctx_st;

namespace tfserving_remote {

/// What a non-blocking step came to.
enum class IoState {
  kDone,
  kWantRead,   // try again when the socket is readable
  kWantWrite,  // try again when the socket is writable
  kEnd,        // the peer has closed its side
  kFailed,     // the connection is of no use any more
};

struct IoResult {
  IoState state = IoState::kDone;
  size_t bytes = 0;
};

/// A non-blocking connected socket, plain or under TLS. Never raises SIGPIPE.
///
/// Units:    bytes.
/// Errors:   IoState::kFailed; nothing can be done but close.
/// Threads:  one at a time.
/// Lifetime: borrows the file descriptor, which outlives it.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  /// To be repeated until kDone, before the first Read or Write.
  virtual IoState Handshake() = 0;
  virtual IoResult Read(absl::Span<char> into) = 0;
  /// Writes a beginning of `pieces`. After kWantWrite the same bytes come again, more may follow.
  virtual IoResult Write(const iovec* pieces, size_t count) = 0;
  /// Tells the peer that nothing more comes; reading goes on.
  virtual void CloseWrite() = 0;
  /// True when a short Read does not yet mean that the socket is empty.
  virtual bool HoldsInput() const = 0;
};

std::unique_ptr<ByteStream> MakePlainStream(int fd);
/// Server side; the peer must have chosen "h2" by ALPN. Null when there is no memory.
std::unique_ptr<ByteStream> MakeTlsStream(int fd, SSL_CTX* context);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_BYTE_STREAM_H_

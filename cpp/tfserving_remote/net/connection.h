// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_CONNECTION_H_
#define TFSERVING_REMOTE_NET_CONNECTION_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tfserving_remote/net/call_limits.h"
#include "tfserving_remote/net/resolver.h"
#include "tfserving_remote/net/unique_fd.h"

namespace tfserving_remote {

/// A byte stream to a server, over TCP or TLS. Never raises SIGPIPE.
///
/// Units:    bytes.
/// Errors:   UNAVAILABLE for what the network or TLS did; CANCELLED and DEADLINE_EXCEEDED from the
///           limits. After an error the connection is of no use.
/// Threads:  one thread at a time.
/// Lifetime: the destructor closes it.
class Connection {
 public:
  /// What an idle connection looks like.
  enum class Idle { kQuiet, kClosed, kUnexpectedBytes };

  virtual ~Connection() = default;

  /// Reads at least one byte; 0 means the peer has ended the stream.
  virtual absl::StatusOr<size_t> ReadSome(absl::Span<char> into, const CallLimits& limits) = 0;
  virtual absl::Status WriteAll(absl::string_view bytes, const CallLimits& limits) = 0;
  /// Looks without waiting and without taking a byte.
  virtual Idle Probe() = 0;

  /// True once the peer has closed or reset the connection, as opposed to merely stalling.
  bool closed_by_peer() const { return closed_by_peer_; }
  /// False when the stream ended without TLS's closing message: someone may have cut it.
  bool clean_end() const { return clean_end_; }

 protected:
  bool closed_by_peer_ = false;
  bool clean_end_ = true;
};

/// Tries every address in turn, each for a fair share of the time until `give_up` (as MonotonicNow
/// counts). The descriptor does not block.
absl::StatusOr<UniqueFd> ConnectTcp(const std::vector<SocketAddress>& addresses,
                                    absl::Duration give_up, const CallLimits& limits);

std::unique_ptr<Connection> MakePlainConnection(UniqueFd socket);

/// Whether errno means that the other side has gone away.
bool IsDisconnect(int error);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_CONNECTION_H_

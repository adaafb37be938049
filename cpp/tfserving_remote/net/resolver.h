// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_RESOLVER_H_
#define TFSERVING_REMOTE_NET_RESOLVER_H_

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tfserving_remote/net/call_limits.h"

namespace tfserving_remote {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  /// "127.0.0.1:80", "[::1]:80".
  std::string ToString() const;
};

/// Turns host names into addresses within the limits of a call, although getaddrinfo(3) can
/// neither be bounded nor interrupted: every look-up has a thread of its own. A call that gives up
/// leaves that thread behind; it ends when the system's resolver does (resolv.conf's attempts
/// times timeout), and calls for the same host wait for it instead of starting another.
///
/// Units:    absl::Duration.
/// Errors:   UNAVAILABLE; CANCELLED and DEADLINE_EXCEEDED from the limits.
/// Threads:  safe to call from any thread.
/// Lifetime: an abandoned look-up may outlive the resolver; it keeps what it needs.
class Resolver {
 public:
  /// Numeric addresses of a host, in the order to try. May block.
  using LookUp = std::function<absl::StatusOr<std::vector<std::string>>(const std::string& host)>;

  /// An empty `look_up` stands for the system's.
  explicit Resolver(LookUp look_up);

  /// Never empty when OK. A numeric host is not looked up.
  absl::StatusOr<std::vector<SocketAddress>> Resolve(const std::string& host, uint16_t port,
                                                     const CallLimits& limits,
                                                     absl::Duration patience);

 private:
  struct Shared;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_RESOLVER_H_

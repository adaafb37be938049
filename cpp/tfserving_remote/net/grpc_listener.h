// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_GRPC_LISTENER_H_
#define TFSERVING_REMOTE_NET_GRPC_LISTENER_H_

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tfserving_remote/net/io_loop.h"
#include "tfserving_remote/net/unique_fd.h"

namespace tfserving_remote {

/// A listening socket, TCP or Unix.
///
/// Units:    none.
/// Errors:   the factories name the address and the reason; ALREADY_EXISTS when it is in use.
/// Threads:  factories from any thread; Open and Close on the loop's thread.
/// Lifetime: outlives the loop's thread.
class GrpcListener {
 public:
  struct Accepted {
    UniqueFd socket;
    boost::asio::generic::stream_protocol protocol;
    /// As gRPC writes it: "ipv4:192.0.2.1:1234", "ipv6:[2001:db8::1]:1234", "unix:".
    std::string peer;
  };
  using OnAccept = std::function<void(Accepted)>;

  /// `host` is an address or a name; port 0 lets the system choose.
  static absl::StatusOr<std::unique_ptr<GrpcListener>> Tcp(std::shared_ptr<IoLoop> loop,
                                                           const std::string& host, int port,
                                                           OnAccept on_accept);
  /// Replaces the socket file of a server that is gone, never of one that answers; Close removes
  /// it.
  static absl::StatusOr<std::unique_ptr<GrpcListener>> Unix(std::shared_ptr<IoLoop> loop,
                                                            const std::string& path,
                                                            OnAccept on_accept);

  void Open() { Wait(); }
  void Close();
  int port() const { return port_; }

 private:
  GrpcListener(std::shared_ptr<IoLoop> loop, UniqueFd socket, OnAccept on_accept);

  void Wait();
  void AcceptAll();
  void PauseAccepting();

  const std::shared_ptr<IoLoop> loop_;
  const OnAccept on_accept_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer pause_;
  int port_ = 0;
  std::string path_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_GRPC_LISTENER_H_

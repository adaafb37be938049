// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_GRPC_CONNECTION_H_
#define TFSERVING_REMOTE_NET_GRPC_CONNECTION_H_

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "tfserving_remote/net/byte_stream.h"
#include "tfserving_remote/net/grpc_stream.h"
#include "tfserving_remote/net/h2_session.h"
#include "tfserving_remote/net/send_queue.h"

namespace tfserving_remote {

/// One accepted socket with its HTTP/2 session: reads, writes, and everything that time brings
/// about (deadlines, keepalive, age, the steps of a graceful end).
///
/// Units:    bytes; steady time.
/// Errors:   a broken connection closes itself and cancels its calls.
/// Threads:  the loop's thread only.
/// Lifetime: held by what it waits for, until closed; the creator's `on_closed` is then called
/// once.
class GrpcConnection final : public std::enable_shared_from_this<GrpcConnection>,
                             private H2Session::Host {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  using Time = H2Session::Time;

  /// `tls` is null for plain text.
  GrpcConnection(Socket socket, std::shared_ptr<SSL_CTX> tls,
                 std::shared_ptr<const GrpcCallEnvironment> environment,
                 std::function<void(GrpcConnection*)> on_closed);

  void Start();
  /// Lets running calls finish, takes no new ones, closes.
  void Drain();
  /// Ends running calls and closes soon; returns how many there were.
  size_t Cut(const absl::Status& status);

 private:
  enum class Phase {
    kHandshake,
    kServing,
    kClosing,    // what is queued leaves, then kLingering
    kLingering,  // waits for the peer to close, lest a reset destroys what it has not read yet
    kClosed
  };
  enum class Draining { kNo, kAnnounced, kFinal };

  void OnSessionDirty() override;
  void OnShutdownSeen() override;

  void Handshake();
  void OnReadable();
  /// True when the socket was emptied, false when the turn's share was used up.
  bool ReadTurn();
  void Flush();
  /// Runs the handlers of the calls that have come.
  void RunCalls();
  /// Writes what is queued. False when the socket takes no more or is broken.
  bool WriteQueued();
  void FlushLater();
  void WaitReadable();
  void WaitWritable();
  void FinishShutdown();
  void BeginClosing();
  void Close();

  void OnTimer(Time now);
  void CheckKeepalive(Time now);
  Time NextWakeUp() const;
  void ArmTimer();

  const std::shared_ptr<const GrpcCallEnvironment> environment_;
  const std::shared_ptr<SSL_CTX> tls_;
  const Time started_;
  const Time retire_at_;
  std::function<void(GrpcConnection*)> on_closed_;
  Socket socket_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<H2Session> session_;
  SendQueue out_;

  Phase phase_ = Phase::kHandshake;
  Draining draining_ = Draining::kNo;
  bool in_turn_ = false;
  bool flush_due_ = false;
  bool flushing_ = false;
  bool read_waiting_ = false;
  bool write_waiting_ = false;

  boost::asio::steady_timer timer_;
  Time armed_for_ = Time::max();
  Time last_received_;
  Time ping_due_ = Time::max();
  Time answer_due_ = Time::max();
  Time shutdown_due_ = Time::max();
  Time close_due_ = Time::max();
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_GRPC_CONNECTION_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_H2_SESSION_H_
#define TFSERVING_REMOTE_NET_H2_SESSION_H_

#include <nghttp2/nghttp2.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tfserving_remote/net/flood_guard.h"
#include "tfserving_remote/net/grpc_stream.h"
#include "tfserving_remote/net/send_queue.h"

namespace tfserving_remote {

/// The server's side of one HTTP/2 connection, without its socket: bytes in, calls out, and back.
///
/// Units:    bytes; steady time.
/// Errors:   Receive and Produce return false when the connection cannot go on.
/// Threads:  the loop's thread only.
/// Lifetime: its destructor closes all calls; the host outlives it.
class H2Session {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// The connection that owns the session.
  class Host {
   public:
    virtual ~Host() = default;
    /// There may be something to send.
    virtual void OnSessionDirty() = 0;
    /// The peer has seen AnnounceShutdown: whatever it sent before has come, too.
    virtual void OnShutdownSeen() = 0;
  };

  /// Null when there is no memory.
  static std::unique_ptr<H2Session> Create(std::shared_ptr<const GrpcCallEnvironment> environment,
                                           Host* host);
  ~H2Session();

  // For the connection.

  /// False when the peer broke the protocol or floods; a GOAWAY is then ready to be sent.
  bool Receive(absl::string_view bytes, Time now);
  /// Appends frames to `out` until it is full or nothing is left.
  bool Produce(SendQueue* out);
  /// Nothing more will be received or sent.
  bool finished() const;
  /// The peer's first SETTINGS has come.
  bool established() const { return established_; }
  /// Frames waiting to be sent, not counting messages.
  size_t backlog() const { return nghttp2_session_get_outbound_queue_size(session_); }
  /// Hands the next complete request to its handler; false when there is none. Handlers are not run
  /// by Receive itself, so that answers can leave between two of them.
  bool RunNextCall();
  void Ping();
  /// First half of a graceful end: tells the peer to open no more calls.
  void AnnounceShutdown();
  /// Second half: later calls are not looked at; running ones go on.
  void Shutdown();
  size_t open_calls() const { return streams_.size(); }
  /// Ends all running calls; returns how many there were.
  size_t AbortCalls(const absl::Status& status);
  /// Time::max() when no call has a deadline.
  Time next_deadline() const {
    return deadlines_.empty() ? Time::max() : deadlines_.begin()->first;
  }
  void ExpireDeadlines(Time now);

  // For the streams.

  void MarkReady(std::shared_ptr<GrpcStream> stream) { ready_.push_back(std::move(stream)); }
  void Respond(int32_t id);
  void RespondTrailersOnly(int32_t id, const absl::Status& status, bool name_encodings);
  void RespondNotGrpc(int32_t id, int http_status);
  /// Ends a response that has begun. Needs no window, unlike its messages.
  void SubmitTrailers(int32_t id, const absl::Status& status);
  void Resume(int32_t id);
  void Reset(int32_t id);
  /// Lets the peer send a message of this length without waiting for every window update.
  void WidenWindow(int32_t id, uint64_t message_bytes);
  void SetDeadline(int32_t id, absl::Duration timeout);

 private:
  friend struct H2Callbacks;

  H2Session(std::shared_ptr<const GrpcCallEnvironment> environment, Host* host)
      : environment_(std::move(environment)), host_(host) {}

  bool Open();
  GrpcStream* Find(int32_t id) const;
  // What nghttp2 reports; each returns an nghttp2 error code.
  int OnRequestBegins(int32_t id);
  int OnHeader(int32_t id, absl::string_view name, absl::string_view value);
  int OnFrame(const nghttp2_frame* frame);
  int OnData(int32_t id, absl::string_view chunk);
  int OnFrameSent(const nghttp2_frame* frame);
  int OnStreamClosed(int32_t id, uint32_t error);
  ssize_t ReadData(int32_t id, size_t max, uint32_t* flags);
  int SendData(int32_t id, const uint8_t* frame_header, size_t bytes);

  int CheckFlood(bool within_limits, absl::string_view what);
  void SubmitData(int32_t id, const nghttp2_nv* fields, size_t count);

  // Constant after construction.
  const std::shared_ptr<const GrpcCallEnvironment> environment_;
  Host* const host_;
  nghttp2_session* session_ = nullptr;

  std::unordered_map<int32_t, std::shared_ptr<GrpcStream>> streams_;
  std::deque<std::shared_ptr<GrpcStream>> ready_;
  std::unordered_map<int32_t, Time> deadline_of_;
  std::set<std::pair<Time, int32_t>> deadlines_;
  FloodGuard guard_;
  /// When the present Receive began.
  Time now_ = {};
  bool established_ = false;
  bool terminating_ = false;
  SendQueue* out_ = nullptr;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_H2_SESSION_H_

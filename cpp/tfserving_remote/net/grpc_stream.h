// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_GRPC_STREAM_H_
#define TFSERVING_REMOTE_NET_GRPC_STREAM_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tfserving_remote/net/grpc_message_reader.h"
#include "tfserving_remote/net/grpc_request_head.h"
#include "tfserving_remote/net/grpc_server.h"
#include "tfserving_remote/net/io_loop.h"
#include "tfserving_remote/net/outgoing_message.h"

namespace tfserving_remote {

class H2Session;

using GrpcHandlers = std::unordered_map<std::string, GrpcHandler>;

/// What all calls of one connection share.
struct GrpcCallEnvironment {
  std::shared_ptr<IoLoop> loop;
  std::shared_ptr<const GrpcServerOptions> options;
  std::shared_ptr<const GrpcHandlers> handlers;
  std::shared_ptr<const std::string> peer;
};

/// One call: the service's face (GrpcCall) and the session's (the rest, on the loop's thread).
///
/// Units:    bytes.
/// Errors:   what is wrong with a request is answered to the peer.
/// Threads:  GrpcCall from any thread; the rest on the loop's thread.
/// Lifetime: the session holds it until the stream is closed, the service for as long as it likes.
class GrpcStream final : public GrpcCall, public std::enable_shared_from_this<GrpcStream> {
 public:
  GrpcStream(H2Session* session, int32_t id,
             std::shared_ptr<const GrpcCallEnvironment> environment);

  absl::string_view method() const override { return head_.path(); }
  absl::string_view request() const override { return reader_->message(); }
  absl::string_view metadata(absl::string_view key) const override { return head_.metadata(key); }
  absl::string_view peer() const override { return *environment_->peer; }
  absl::Time deadline() const override { return deadline_; }
  bool cancelled() const override { return cancelled_.load(std::memory_order_acquire); }
  void OnCancel(std::function<void()> on_cancel) override;
  void Write(std::vector<GrpcSlice> message, std::function<void(bool)> done) override;
  void Finish(const absl::Status& status) override;

  int32_t id() const { return id_; }
  GrpcRequestHead& head() { return head_; }

  /// The header fields are complete.
  void OnHeaders();
  void OnData(absl::string_view chunk);
  /// The request is complete.
  void OnRequestEnd();
  /// Hands the call to its handler, unless it has ended meanwhile.
  void RunHandler();

  /// How many bytes of one message can be sent now, at most `max`.
  struct Supply {
    size_t bytes = 0;
    /// Nothing at present; the session is told to resume later.
    bool wait = false;
    /// Nothing follows these bytes.
    bool last = false;
  };
  Supply PrepareData(size_t max);
  /// Moves what PrepareData promised.
  void EmitData(size_t bytes, SendQueue* out);
  /// Null for an answer that is not gRPC and ends without trailers.
  const absl::Status* trailers() const { return plain_answer_ ? nullptr : &final_status_; }

  /// Ends the call from this side: its deadline has passed, or the server shuts down.
  void Abort(const absl::Status& status);
  /// The stream exists no more.
  void OnClosed();

 private:
  void AnswerNotGrpc();
  void WriteOnLoop(std::vector<GrpcSlice> message, std::function<void(bool)> done);
  void FinishOnLoop(const absl::Status& status);
  void DropUnsent(bool keep_started);
  void Cancel();

  // Constant after construction.
  const int32_t id_;
  const std::shared_ptr<const GrpcCallEnvironment> environment_;
  // Constant once the handler has the call.
  GrpcRequestHead head_;
  std::unique_ptr<GrpcMessageReader> reader_;
  GrpcRequestHead::Verdict verdict_;
  const GrpcHandler* handler_ = nullptr;
  absl::Time deadline_ = absl::InfiniteFuture();
  // Loop thread only. The session is null once the stream is closed.
  H2Session* session_;
  std::deque<OutgoingMessage> queue_;
  bool widened_ = false;
  bool response_started_ = false;
  bool finishing_ = false;
  bool plain_answer_ = false;
  absl::Status final_status_;
  // Synchronises itself.
  std::atomic<bool> cancelled_{false};
  // Guarded by mu_.
  absl::Mutex mu_;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::function<void()>> on_cancel_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_GRPC_STREAM_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_OUTGOING_MESSAGE_H_
#define TFSERVING_REMOTE_NET_OUTGOING_MESSAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tfserving_remote/net/grpc_server.h"
#include "tfserving_remote/net/send_queue.h"

namespace tfserving_remote {

/// One response message on its way into DATA frames.
///
/// Units:    bytes.
/// Errors:   none.
/// Threads:  one at a time.
/// Lifetime: keeps its slices until they are in the send queue.
class OutgoingMessage {
 public:
  using Done = SendQueue::Done;

  /// A gRPC message: with its length in front, hence at most 4 GiB - 1.
  static OutgoingMessage Framed(std::vector<GrpcSlice> slices, Done done);
  /// Bytes as they are, for answers that are not gRPC.
  static OutgoingMessage Plain(std::string text);

  static uint64_t SizeOf(const std::vector<GrpcSlice>& slices);

  uint64_t remaining() const { return total_ - emitted_; }
  /// A started message must be sent to its end, or the stream reset.
  bool started() const { return started_; }
  void MarkStarted() { started_ = true; }

  /// Moves the next `bytes` to `out`; with the last of them, `done`.
  void Emit(size_t bytes, SendQueue* out);
  Done TakeDone() { return std::move(done_); }

 private:
  std::string prefix_;
  std::vector<GrpcSlice> slices_;
  Done done_;
  uint64_t total_ = 0;
  uint64_t emitted_ = 0;
  bool started_ = false;
  size_t slice_ = 0;
  size_t slice_offset_ = 0;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_OUTGOING_MESSAGE_H_

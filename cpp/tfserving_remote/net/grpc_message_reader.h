// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_GRPC_MESSAGE_READER_H_
#define TFSERVING_REMOTE_NET_GRPC_MESSAGE_READER_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tfserving_remote/net/grpc_wire.h"

namespace tfserving_remote {

/// Contiguous memory that grows with what is put into it, up to an announced length. Large blocks
/// grow by remapping pages, without a copy, so a peer that announces 2 GiB and sends little costs
/// little.
class GrowingBuffer {
 public:
  GrowingBuffer() = default;
  ~GrowingBuffer();
  GrowingBuffer(const GrowingBuffer&) = delete;
  GrowingBuffer& operator=(const GrowingBuffer&) = delete;

  /// Makes room for at least `more` bytes; allocates ahead by doubling, never past `limit` in all.
  /// False when there is no memory.
  bool Reserve(size_t more, size_t limit);
  /// Where the next bytes go.
  char* end() { return data_ + size_; }
  size_t spare() const { return capacity_ - size_; }
  void Advance(size_t bytes) { size_ += bytes; }

  const char* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

/// Puts one request message together from the pieces of a stream's body, decompressing on the way:
/// a compressed message is never held, and too large a one is noticed before its bytes are stored.
///
/// Units:    bytes.
/// Errors:   RESOURCE_EXHAUSTED (longer than allowed, announced or decompressed), INTERNAL (not one
///           well-formed message).
/// Threads:  one at a time.
/// Lifetime: message() lives as long as the reader.
class GrpcMessageReader {
 public:
  GrpcMessageReader(GrpcEncoding encoding, uint64_t max_message_bytes);
  ~GrpcMessageReader();

  absl::Status Consume(absl::string_view chunk);
  /// The body has ended: says whether exactly one message was in it.
  absl::Status Finish() const;

  /// Length the prefix announced, compressed; 0 until the prefix has come.
  uint64_t announced_bytes() const { return prefix_seen_ == kGrpcPrefixBytes ? announced_ : 0; }
  /// The whole message, after Finish has returned OK.
  absl::string_view message() const { return {buffer_.data(), buffer_.size()}; }
  /// Memory held at present.
  size_t capacity() const { return buffer_.capacity(); }

 private:
  class Inflater;

  absl::Status ReadPrefix(absl::string_view* chunk);
  absl::Status Append(absl::string_view chunk);
  absl::Status TooLarge() const;

  const GrpcEncoding encoding_;
  const uint64_t max_message_bytes_;
  unsigned char prefix_[kGrpcPrefixBytes] = {};
  size_t prefix_seen_ = 0;
  uint64_t announced_ = 0;
  uint64_t consumed_ = 0;
  std::unique_ptr<Inflater> inflater_;
  GrowingBuffer buffer_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_GRPC_MESSAGE_READER_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_BODY_READER_H_
#define TFSERVING_REMOTE_NET_BODY_READER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "tfserving_remote/net/buffered_reader.h"

namespace tfserving_remote {

/// Where a body goes: memory of exactly its size, or a string up to a limit.
///
/// Units:    bytes.
/// Errors:   DATA_LOSS for a body that does not fit the memory exactly, RESOURCE_EXHAUSTED for one
///           that is longer than the string may become.
/// Threads:  one thread.
/// Lifetime: shorter than the memory or the string.
class BodySink {
 public:
  static BodySink Memory(absl::Span<char> memory) {
    return BodySink(memory, nullptr, memory.size());
  }
  static BodySink String(std::string* text, uint64_t limit) { return BodySink({}, text, limit); }

  /// Whether a body of `size` more bytes may come.
  absl::Status Accept(uint64_t size) const;
  /// Memory for the next bytes, at most `wanted` and at least one. Call Accept(1) first.
  absl::Span<char> Room(uint64_t wanted);
  /// `size` bytes of the room were filled.
  void Filled(size_t size) { size_ += size; }
  /// Nothing more comes.
  absl::Status Finish();

  uint64_t size() const { return size_; }

 private:
  BodySink(absl::Span<char> memory, std::string* text, uint64_t limit)
      : memory_(memory), text_(text), limit_(limit) {}

  absl::Span<char> memory_;
  std::string* text_;  // null: memory_ is in use
  uint64_t limit_;
  uint64_t size_ = 0;
};

/// The three ways a body can be delimited. DATA_LOSS when it ends early.
absl::Status ReadCountedBody(BufferedReader& reader, uint64_t size, BodySink& sink);
absl::Status ReadChunkedBody(BufferedReader& reader, BodySink& sink);
absl::Status ReadBodyToEnd(BufferedReader& reader, BodySink& sink);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_BODY_READER_H_

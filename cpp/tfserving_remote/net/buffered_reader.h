// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_BUFFERED_READER_H_
#define TFSERVING_REMOTE_NET_BUFFERED_READER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tfserving_remote/net/call_limits.h"
#include "tfserving_remote/net/connection.h"

namespace tfserving_remote {

/// Reads lines and headers through a small buffer, and everything long past it.
///
/// Units:    bytes.
/// Errors:   those of the connection; RESOURCE_EXHAUSTED for too long a line.
/// Threads:  one thread.
/// Lifetime: shorter than the connection and the limits.
class BufferedReader {
 public:
  BufferedReader(Connection& connection, const CallLimits& limits)
      : connection_(connection), limits_(limits) {}

  /// What has been read and not been taken.
  absl::string_view buffered() const { return absl::string_view(buffer_).substr(taken_); }
  void Take(size_t size);

  /// Reads once more behind `buffered()`. 0 means the end of the stream.
  absl::StatusOr<size_t> Fill();

  /// Reads at least one byte into `into`: what is buffered, else straight from the connection. 0
  /// means the end of the stream.
  absl::StatusOr<size_t> ReadSome(absl::Span<char> into);

  /// The next line without its CRLF; DATA_LOSS when the stream ends before it does.
  absl::StatusOr<std::string> ReadLine(size_t longest);

  /// True once a byte has been read.
  bool any() const { return any_; }

 private:
  Connection& connection_;
  const CallLimits& limits_;
  std::string buffer_;
  size_t taken_ = 0;
  bool any_ = false;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_BUFFERED_READER_H_

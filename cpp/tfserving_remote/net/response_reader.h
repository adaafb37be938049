// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_RESPONSE_READER_H_
#define TFSERVING_REMOTE_NET_RESPONSE_READER_H_

#include "absl/status/statusor.h"
#include "tfserving_remote/net/buffered_reader.h"
#include "tfserving_remote/net/http_client.h"

namespace tfserving_remote {

/// Reads one answer from a connection.
///
/// Units:    bytes.
/// Errors:   as HttpClient.
/// Threads:  one thread.
/// Lifetime: shorter than the connection and the limits.
class ResponseReader {
 public:
  ResponseReader(Connection& connection, const CallLimits& limits)
      : connection_(connection), reader_(connection, limits) {}

  /// `head` says that the request was a HEAD: whatever the header promises, no body follows.
  absl::StatusOr<HttpResponse> Read(bool head, const HttpCallOptions& options);

  /// True when another request may be sent over the connection. After Read has succeeded.
  bool reusable() const { return reusable_; }
  /// True once a byte of the answer has arrived.
  bool any() const { return reader_.any(); }

 private:
  /// What the header says of the body.
  struct Framing {
    enum class Body { kNone, kCounted, kChunked, kToEnd } body = Body::kNone;
    uint64_t size = 0;
    bool keep_alive = false;
  };

  absl::StatusOr<Framing> ReadHeader(bool head, HttpResponse* response);
  absl::Status ReadBody(const Framing& framing, const HttpCallOptions& options,
                        HttpResponse* response);
  absl::Status CheckNothingFollows(const Framing& framing);

  Connection& connection_;
  BufferedReader reader_;
  bool reusable_ = false;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_RESPONSE_READER_H_

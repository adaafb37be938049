// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_GRPC_REQUEST_HEAD_H_
#define TFSERVING_REMOTE_NET_GRPC_REQUEST_HEAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tfserving_remote/net/grpc_wire.h"

namespace tfserving_remote {

/// The header fields of one call: collected, bounded, judged.
///
/// Units:    bytes, counted as HTTP/2 counts them: name + value + 32 per field.
/// Errors:   see Judge.
/// Threads:  fill from one thread; const afterwards.
/// Lifetime: views live as long as the head.
class GrpcRequestHead {
 public:
  explicit GrpcRequestHead(uint64_t max_metadata_bytes) : max_metadata_bytes_(max_metadata_bytes) {}

  /// Names are lower case, as HTTP/2 demands. Fields past the limit are counted, not kept.
  void Add(absl::string_view name, absl::string_view value);
  /// Bytes of all fields seen, also of those that were not kept.
  uint64_t seen_bytes() const { return seen_bytes_; }

  /// What to answer before the body is looked at. `http_status` is 200 unless this is no gRPC call
  /// at all (405 or 415).
  struct Verdict {
    int http_status = 200;
    absl::Status status;
    /// The answer lists what could have been read (`grpc-accept-encoding`).
    bool name_encodings = false;
  };
  Verdict Judge() const;

  const std::string& path() const { return path_; }
  GrpcEncoding encoding() const;
  /// InfiniteDuration without one.
  absl::Duration timeout() const;
  /// First value of the key, decoded when binary; empty when absent.
  absl::string_view metadata(absl::string_view key) const;

 private:
  struct Field {
    std::string name;
    std::string value;
  };

  const uint64_t max_metadata_bytes_;
  uint64_t seen_bytes_ = 0;
  bool malformed_binary_ = false;
  bool is_post_ = false;
  std::string path_;
  std::string content_type_;
  std::string timeout_;
  std::string encoding_;
  std::vector<Field> metadata_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_GRPC_REQUEST_HEAD_H_

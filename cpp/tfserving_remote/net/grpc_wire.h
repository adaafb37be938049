// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_GRPC_WIRE_H_
#define TFSERVING_REMOTE_NET_GRPC_WIRE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// The small encodings of gRPC over HTTP/2, as pure functions.
namespace tfserving_remote {

/// How a request message is compressed; the name stands in `grpc-encoding`.
enum class GrpcEncoding { kIdentity, kDeflate, kGzip };

/// What this server can read, for `grpc-accept-encoding`.
inline constexpr absl::string_view kGrpcAcceptEncoding = "identity,deflate,gzip";

/// nullopt for an encoding that kGrpcAcceptEncoding does not list.
std::optional<GrpcEncoding> ParseGrpcEncoding(absl::string_view name);

/// Before every message: one byte "compressed", four bytes length, big-endian.
inline constexpr size_t kGrpcPrefixBytes = 5;
std::array<char, kGrpcPrefixBytes> GrpcMessagePrefix(uint32_t message_bytes);

/// Value of `grpc-timeout`: at most eight digits and a unit out of H M S m u n. nullopt when
/// malformed.
std::optional<absl::Duration> ParseGrpcTimeout(absl::string_view value);

/// Text for `grpc-message`: everything but printable ASCII, and '%' itself, becomes %XX. A message
/// that would be longer than what clients take as metadata is cut, between two UTF-8 characters.
std::string GrpcStatusMessage(absl::string_view message);

/// Decodes the first value of a `-bin` metadata entry: base64, padded or not, several values joined
/// by commas. nullopt when it is not base64.
std::optional<std::string> DecodeBinaryMetadata(absl::string_view value);

/// True for application/grpc and application/grpc+proto, parameters allowed.
bool IsGrpcContentType(absl::string_view content_type);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_GRPC_WIRE_H_

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/grpc_wire.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace tfserving_remote {

std::optional<GrpcEncoding> ParseGrpcEncoding(absl::string_view name) {
  if (name.empty() || name == "identity") return GrpcEncoding::kIdentity;
  if (name == "gzip") return GrpcEncoding::kGzip;
  if (name == "deflate") return GrpcEncoding::kDeflate;
  return std::nullopt;
}

std::array<char, kGrpcPrefixBytes> GrpcMessagePrefix(uint32_t message_bytes) {
  return {0, static_cast<char>(message_bytes >> 24), static_cast<char>(message_bytes >> 16),
          static_cast<char>(message_bytes >> 8), static_cast<char>(message_bytes)};
}

std::optional<absl::Duration> ParseGrpcTimeout(absl::string_view value) {
  constexpr size_t kMaxDigits = 8;
  if (value.size() < 2 || value.size() > kMaxDigits + 1) return std::nullopt;
  int64_t amount = 0;
  for (char digit : value.substr(0, value.size() - 1)) {
    if (!absl::ascii_isdigit(digit)) return std::nullopt;
    amount = amount * 10 + (digit - '0');
  }
  switch (value.back()) {
    case 'H':
      return absl::Hours(amount);
    case 'M':
      return absl::Minutes(amount);
    case 'S':
      return absl::Seconds(amount);
    case 'm':
      return absl::Milliseconds(amount);
    case 'u':
      return absl::Microseconds(amount);
    case 'n':
      return absl::Nanoseconds(amount);
    default:
      return std::nullopt;
  }
}

std::string GrpcStatusMessage(absl::string_view message) {
  // Clients accept 8 KiB of metadata unless told otherwise.
  constexpr size_t kMaxEncoded = 6 << 10;
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(std::min(message.size(), kMaxEncoded));
  for (char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continues_character = (byte & 0xc0) == 0x80;
    if (encoded.size() >= kMaxEncoded && !continues_character) break;
    if (byte >= 0x20 && byte <= 0x7e && c != '%') {
      encoded.push_back(c);
    } else {
      // Only garbage has this many continuation bytes in a row.
      if (encoded.size() >= kMaxEncoded + 16) break;
      encoded.push_back('%');
      encoded.push_back(kHex[byte >> 4]);
      encoded.push_back(kHex[byte & 0xf]);
    }
  }
  return encoded;
}

std::optional<std::string> DecodeBinaryMetadata(absl::string_view value) {
  std::string decoded;
  const absl::string_view first = absl::StripAsciiWhitespace(value.substr(0, value.find(',')));
  if (!absl::Base64Unescape(first, &decoded)) return std::nullopt;
  return decoded;
}

bool IsGrpcContentType(absl::string_view content_type) {
  // Media types are compared without regard to case (RFC 9110, 8.3.1).
  const std::string lower = absl::AsciiStrToLower(content_type.substr(0, content_type.find(';')));
  const absl::string_view type = absl::StripTrailingAsciiWhitespace(lower);
  return type == "application/grpc" || type == "application/grpc+proto";
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_MANIFEST_DIGEST_H_
#define TFSERVING_REMOTE_MANIFEST_DIGEST_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tfserving_remote {

using Sha256Digest = std::array<uint8_t, 32>;

/// CRC-32C (Castagnoli), at the processor's own speed: some 10 GB/s a core. Pure.
uint32_t Crc32c(absl::string_view bytes);

/// Pure. Some 1-2 GB/s a core where the processor has instructions for it.
Sha256Digest Sha256(absl::string_view bytes);

/// SHA-256 of bytes that come piece by piece.
///
/// Units:    bytes.
/// Errors:   none.
/// Threads:  one at a time.
/// Lifetime: Finish ends it.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;

  void Add(absl::string_view bytes);
  Sha256Digest Finish();

 private:
  struct Context;
  const std::unique_ptr<Context> context_;
};

/// Lower-case hexadecimal text. Pure.
std::string ToHex(absl::Span<const uint8_t> bytes);
/// Eight digits. Pure.
std::string Crc32cToHex(uint32_t crc32c);

/// Reads exactly 2 * `into.size()` lower-case digits; false for anything else. Pure.
bool FromHex(absl::string_view text, absl::Span<uint8_t> into);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_MANIFEST_DIGEST_H_

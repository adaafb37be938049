// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_BASE_BYTE_RANGE_H_
#define TFSERVING_REMOTE_BASE_BYTE_RANGE_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {

/// Consecutive bytes of an object or a file: [offset, offset + length).
struct ByteRange {
  uint64_t offset = 0;
  uint64_t length = 0;

  uint64_t end() const { return offset + length; }
  bool empty() const { return length == 0; }
  std::string DebugString() const { return absl::StrCat("[", offset, ", ", end(), ")"); }

  friend bool operator==(const ByteRange& a, const ByteRange& b) {
    return a.offset == b.offset && a.length == b.length;
  }
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_BASE_BYTE_RANGE_H_

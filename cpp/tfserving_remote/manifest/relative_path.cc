// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/str_split.h"
#include "tfserving_remote/manifest/manifest.h"

namespace tfserving_remote {
namespace {

constexpr size_t kMaxPathBytes = 1024;

// Length of the UTF-8 sequence that `first` begins; 0 when it cannot begin one.
size_t SequenceLength(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  if (first >= 0xF0 && first < 0xF5) return 4;
  return 0;
}

// Of a sequence of right length and continuation bytes: overlong forms, surrogates and values above
// U+10FFFF show in the second byte.
bool SecondByteFits(unsigned char first, unsigned char second) {
  if (first == 0xE0) return second >= 0xA0;
  if (first == 0xED) return second < 0xA0;
  if (first == 0xF0) return second >= 0x90;
  if (first == 0xF4) return second < 0x90;
  return true;
}

bool IsUtf8WithoutControls(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    if (first < 0x20 || first == 0x7F) return false;
    const size_t length = SequenceLength(first);
    if (length == 0 || i + length > text.size()) return false;
    for (size_t j = 1; j < length; ++j) {
      if ((static_cast<unsigned char>(text[i + j]) & 0xC0) != 0x80) return false;
    }
    if (length > 1 && !SecondByteFits(first, static_cast<unsigned char>(text[i + 1]))) return false;
    i += length;
  }
  return true;
}

}  // namespace

bool IsSafeRelativePath(absl::string_view path) {
  if (path.empty() || path.size() > kMaxPathBytes) return false;
  if (path.find('\\') != absl::string_view::npos) return false;
  for (absl::string_view part : absl::StrSplit(path, '/')) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return IsUtf8WithoutControls(path);
}

}  // namespace tfserving_remote

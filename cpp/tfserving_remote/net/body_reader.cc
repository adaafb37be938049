// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/body_reader.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace tfserving_remote {
namespace {

constexpr size_t kLeastGrowth = 64 << 10;
constexpr size_t kLongestChunkLine = 4 << 10;
constexpr size_t kLongestTrailers = 64 << 10;

absl::Status EndsEarly(uint64_t missing) {
  return absl::DataLossError(
      absl::StrCat("the connection was closed ", missing, " bytes before the body's end"));
}

// Reads exactly `size` bytes that the sink has accepted.
absl::Status ReadExactly(BufferedReader& reader, uint64_t size, BodySink& sink) {
  for (uint64_t left = size; left > 0;) {
    absl::StatusOr<size_t> got = reader.ReadSome(sink.Room(left));
    if (!got.ok()) return got.status();
    if (*got == 0) return EndsEarly(left);
    sink.Filled(*got);
    left -= *got;
  }
  return absl::OkStatus();
}

// The size a chunk's first line announces; extensions are passed over.
std::optional<uint64_t> ParseChunkSize(absl::string_view line) {
  const absl::string_view digits = line.substr(0, line.find_first_of("; \t"));
  uint64_t size = 0;
  if (digits.empty() || digits.size() > 15) return std::nullopt;
  for (const char c : digits) {
    const char lower = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9') {
      size = size * 16 + static_cast<uint64_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      size = size * 16 + static_cast<uint64_t>(lower - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return size;
}

absl::Status SkipTrailers(BufferedReader& reader) {
  for (size_t left = kLongestTrailers;;) {
    absl::StatusOr<std::string> line = reader.ReadLine(left);
    if (!line.ok()) return line.status();
    if (line->empty()) return absl::OkStatus();
    left -= line->size();
  }
}

}  // namespace

absl::Status BodySink::Accept(uint64_t size) const {
  if (size <= limit_ - size_) return absl::OkStatus();
  if (text_ == nullptr) {
    return absl::DataLossError(
        absl::StrCat("the body is longer than the ", limit_, " bytes that were asked for"));
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("the body is longer than the ", limit_, " bytes that are taken"));
}

// A string grows with what has really come: a declared length alone costs no memory.
absl::Span<char> BodySink::Room(uint64_t wanted) {
  const size_t at = static_cast<size_t>(size_);
  const size_t most = static_cast<size_t>(std::min(wanted, limit_ - size_));
  if (text_ == nullptr) return memory_.subspan(at, most);
  if (text_->size() == at) text_->resize(at + std::min(most, std::max(at, kLeastGrowth)));
  return absl::MakeSpan(&(*text_)[at], std::min(most, text_->size() - at));
}

absl::Status BodySink::Finish() {
  if (text_ != nullptr) {
    text_->resize(static_cast<size_t>(size_));
  } else if (size_ != limit_) {
    return absl::DataLossError(absl::StrCat("the body has ", size_, " bytes instead of the ",
                                            limit_, " that were asked for"));
  }
  return absl::OkStatus();
}

absl::Status ReadCountedBody(BufferedReader& reader, uint64_t size, BodySink& sink) {
  if (absl::Status status = sink.Accept(size); !status.ok()) return status;
  if (absl::Status status = ReadExactly(reader, size, sink); !status.ok()) return status;
  return sink.Finish();
}

absl::Status ReadChunkedBody(BufferedReader& reader, BodySink& sink) {
  for (;;) {
    absl::StatusOr<std::string> line = reader.ReadLine(kLongestChunkLine);
    if (!line.ok()) return line.status();
    const std::optional<uint64_t> size = ParseChunkSize(*line);
    if (!size.has_value()) return absl::UnavailableError("malformed chunked body");
    if (*size == 0) break;
    if (absl::Status status = sink.Accept(*size); !status.ok()) return status;
    if (absl::Status status = ReadExactly(reader, *size, sink); !status.ok()) return status;
    line = reader.ReadLine(kLongestChunkLine);
    if (!line.ok()) return line.status();
    if (!line->empty()) return absl::UnavailableError("malformed chunked body");
  }
  if (absl::Status status = SkipTrailers(reader); !status.ok()) return status;
  return sink.Finish();
}

absl::Status ReadBodyToEnd(BufferedReader& reader, BodySink& sink) {
  while (sink.Accept(1).ok()) {
    absl::StatusOr<size_t> got = reader.ReadSome(sink.Room(std::numeric_limits<uint64_t>::max()));
    if (!got.ok()) return got.status();
    if (*got == 0) return sink.Finish();
    sink.Filled(*got);
  }
  // Full: only the end may follow.
  char surplus;
  absl::StatusOr<size_t> got = reader.ReadSome(absl::MakeSpan(&surplus, 1));
  if (!got.ok()) return got.status();
  return *got == 0 ? sink.Finish() : sink.Accept(1);
}

}  // namespace tfserving_remote

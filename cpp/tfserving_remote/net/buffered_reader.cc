// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/buffered_reader.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

// Holds any usual header; what follows it in the same read has to be copied, so not more.
constexpr size_t kStep = 8 << 10;

}  // namespace

void BufferedReader::Take(size_t size) {
  taken_ += size;
  if (taken_ < buffer_.size()) return;
  buffer_.clear();
  taken_ = 0;
}

absl::StatusOr<size_t> BufferedReader::Fill() {
  buffer_.erase(0, taken_);
  taken_ = 0;
  const size_t before = buffer_.size();
  buffer_.resize(before + kStep);
  absl::StatusOr<size_t> got =
      connection_.ReadSome(absl::MakeSpan(&buffer_[before], kStep), limits_);
  buffer_.resize(before + (got.ok() ? *got : 0));
  any_ = any_ || (got.ok() && *got > 0);
  return got;
}

absl::StatusOr<size_t> BufferedReader::ReadSome(absl::Span<char> into) {
  if (into.empty()) return absl::InternalError("read into nothing");
  const absl::string_view ready = buffered();
  if (ready.empty()) return connection_.ReadSome(into, limits_);
  const size_t size = std::min(ready.size(), into.size());
  std::memcpy(into.data(), ready.data(), size);
  Take(size);
  return size;
}

absl::StatusOr<std::string> BufferedReader::ReadLine(size_t longest) {
  for (;;) {
    const size_t end = buffered().find("\r\n");
    if (std::min(end, buffered().size()) > longest) {
      return absl::ResourceExhaustedError(absl::StrCat("a line is longer than ", longest));
    }
    if (end != absl::string_view::npos) {
      std::string line(buffered().substr(0, end));
      Take(end + 2);
      return line;
    }
    absl::StatusOr<size_t> got = Fill();
    if (!got.ok()) return got.status();
    if (*got == 0) return absl::DataLossError("the connection was closed inside a chunked body");
  }
}

}  // namespace tfserving_remote

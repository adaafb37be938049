// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/grpc_message_reader.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

// Messages up to here are allocated at their announced length: the usual request in one step.
constexpr size_t kFirstAllocation = 64 << 10;

absl::Status OutOfMemory() { return absl::ResourceExhaustedError("no memory for the request"); }

}  // namespace

GrowingBuffer::~GrowingBuffer() { std::free(data_); }

bool GrowingBuffer::Reserve(size_t more, size_t limit) {
  if (more <= spare()) return true;
  const size_t wanted = std::max({size_ + more, 2 * capacity_, kFirstAllocation});
  const size_t capacity = std::max(std::min(wanted, limit), size_ + more);
  auto* grown = static_cast<char*>(std::realloc(data_, capacity));
  if (grown == nullptr) return false;
  data_ = grown;
  capacity_ = capacity;
  return true;
}

/// zlib's inflate, which recognises both the gzip and the zlib wrapping by itself.
class GrpcMessageReader::Inflater {
 public:
  Inflater() {
    constexpr int kAnyWrapping = 32;
    ready_ = inflateInit2(&stream_, MAX_WBITS + kAnyWrapping) == Z_OK;
  }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool ended() const { return ended_; }

  absl::Status Inflate(absl::string_view chunk, uint64_t max_bytes, GrowingBuffer* out,
                       bool* too_large) {
    if (!ready_) return OutOfMemory();
    if (ended_) return Corrupt();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(chunk.data()));
    stream_.avail_in = static_cast<uInt>(chunk.size());  // at most one DATA frame
    do {
      // One byte more than allowed tells "too large" from "just fits".
      if (out->spare() == 0 && !out->Reserve(1, max_bytes + 1)) return OutOfMemory();
      const size_t room = std::min<size_t>(out->spare(), 1 << 30);
      stream_.next_out = reinterpret_cast<Bytef*>(out->end());
      stream_.avail_out = static_cast<uInt>(room);
      const int result = inflate(&stream_, Z_NO_FLUSH);
      out->Advance(room - stream_.avail_out);
      if (out->size() > max_bytes) {
        *too_large = true;
        return absl::OkStatus();
      }
      if (result == Z_STREAM_END) {
        ended_ = true;
        return stream_.avail_in == 0 ? absl::OkStatus() : Corrupt();
      }
      if (result == Z_MEM_ERROR) return OutOfMemory();
      if (result != Z_OK && result != Z_BUF_ERROR) return Corrupt();
    } while (stream_.avail_in > 0 || stream_.avail_out == 0);
    return absl::OkStatus();
  }

  static absl::Status Corrupt() {
    return absl::InternalError("the request's compressed message is corrupt");
  }

 private:
  z_stream stream_ = {};
  bool ready_ = false;
  bool ended_ = false;
};

GrpcMessageReader::GrpcMessageReader(GrpcEncoding encoding, uint64_t max_message_bytes)
    : encoding_(encoding), max_message_bytes_(max_message_bytes) {}

GrpcMessageReader::~GrpcMessageReader() = default;

absl::Status GrpcMessageReader::TooLarge() const {
  return absl::ResourceExhaustedError(
      absl::StrCat("the request message is longer than the allowed ", max_message_bytes_, " bytes",
                   announced_ > max_message_bytes_ ? absl::StrCat(": ", announced_) : ""));
}

absl::Status GrpcMessageReader::ReadPrefix(absl::string_view* chunk) {
  const size_t taken = std::min(chunk->size(), kGrpcPrefixBytes - prefix_seen_);
  std::memcpy(prefix_ + prefix_seen_, chunk->data(), taken);
  prefix_seen_ += taken;
  chunk->remove_prefix(taken);
  if (prefix_seen_ < kGrpcPrefixBytes) return absl::OkStatus();
  for (size_t i = 1; i < kGrpcPrefixBytes; ++i) announced_ = announced_ << 8 | prefix_[i];
  if (announced_ > max_message_bytes_) return TooLarge();
  if (prefix_[0] > 1) return absl::InternalError("the request message has unknown flags");
  if (prefix_[0] == 0) return absl::OkStatus();
  if (encoding_ == GrpcEncoding::kIdentity) {
    return absl::InternalError("the request message is compressed but grpc-encoding is not set");
  }
  inflater_ = std::make_unique<Inflater>();
  return absl::OkStatus();
}

absl::Status GrpcMessageReader::Append(absl::string_view chunk) {
  if (inflater_ != nullptr) {
    bool too_large = false;
    absl::Status status = inflater_->Inflate(chunk, max_message_bytes_, &buffer_, &too_large);
    return too_large ? TooLarge() : status;
  }
  if (!buffer_.Reserve(chunk.size(), announced_)) return OutOfMemory();
  std::memcpy(buffer_.end(), chunk.data(), chunk.size());
  buffer_.Advance(chunk.size());
  return absl::OkStatus();
}

absl::Status GrpcMessageReader::Consume(absl::string_view chunk) {
  if (prefix_seen_ < kGrpcPrefixBytes) {
    absl::Status status = ReadPrefix(&chunk);
    if (!status.ok()) return status;
  }
  if (chunk.empty()) return absl::OkStatus();
  if (chunk.size() > announced_ - consumed_) {
    return absl::InternalError("the request holds more than one message");
  }
  consumed_ += chunk.size();
  return Append(chunk);
}

absl::Status GrpcMessageReader::Finish() const {
  if (prefix_seen_ == 0) return absl::InternalError("the request holds no message");
  if (prefix_seen_ < kGrpcPrefixBytes || consumed_ < announced_) {
    return absl::InternalError("the request ended in the middle of a message");
  }
  if (inflater_ != nullptr && !inflater_->ended()) return Inflater::Corrupt();
  return absl::OkStatus();
}

}  // namespace tfserving_remote

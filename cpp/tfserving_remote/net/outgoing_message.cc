// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/outgoing_message.h"

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"
#include "tfserving_remote/net/grpc_wire.h"

namespace tfserving_remote {
namespace {

// Below this, copying is cheaper than one more piece in a gathered write.
constexpr size_t kCopyBelow = 4096;

}  // namespace

GrpcSlice GrpcSlice::Of(std::string bytes) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  return {owner->data(), owner->size(), owner};
}

uint64_t OutgoingMessage::SizeOf(const std::vector<GrpcSlice>& slices) {
  uint64_t bytes = 0;
  for (const GrpcSlice& slice : slices) bytes += slice.size;
  return bytes;
}

OutgoingMessage OutgoingMessage::Framed(std::vector<GrpcSlice> slices, Done done) {
  OutgoingMessage message;
  const uint64_t size = SizeOf(slices);
  const auto prefix = GrpcMessagePrefix(static_cast<uint32_t>(size));
  message.prefix_.assign(prefix.data(), prefix.size());
  message.slices_ = std::move(slices);
  message.done_ = std::move(done);
  message.total_ = size + prefix.size();
  return message;
}

OutgoingMessage OutgoingMessage::Plain(std::string text) {
  OutgoingMessage message;
  message.total_ = text.size();
  message.prefix_ = std::move(text);
  return message;
}

void OutgoingMessage::Emit(size_t bytes, SendQueue* out) {
  if (emitted_ < prefix_.size()) {
    const absl::string_view part = absl::string_view(prefix_).substr(emitted_, bytes);
    out->Copy(part);
    emitted_ += part.size();
    bytes -= part.size();
  }
  while (bytes > 0) {
    const GrpcSlice& slice = slices_[slice_];
    const absl::string_view rest(slice.data + slice_offset_, slice.size - slice_offset_);
    const absl::string_view part = rest.substr(0, bytes);
    if (part.size() < kCopyBelow) {
      out->Copy(part);
    } else {
      out->Reference(part, slice.owner);
    }
    emitted_ += part.size();
    bytes -= part.size();
    slice_offset_ += part.size();
    if (slice_offset_ == slice.size) {
      ++slice_;
      slice_offset_ = 0;
    }
  }
  if (remaining() == 0 && done_ != nullptr) out->OnSent(std::move(done_));
}

}  // namespace tfserving_remote

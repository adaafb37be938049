// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/send_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tfserving_remote {
namespace {

constexpr size_t kBlockBytes = 16 << 10;

}  // namespace

void SendQueue::Copy(absl::string_view bytes) {
  appended_ += bytes.size();
  while (!bytes.empty()) {
    if (pieces_.empty() || pieces_.back().block == nullptr ||
        pieces_.back().block_used == kBlockBytes) {
      std::unique_ptr<char[]> block = std::move(spare_block_);
      if (block == nullptr) block.reset(new char[kBlockBytes]);
      char* start = block.get();
      pieces_.push_back({start, 0, nullptr, std::move(block), 0});
    }
    Piece& last = pieces_.back();
    const size_t taken = std::min(bytes.size(), kBlockBytes - last.block_used);
    std::memcpy(last.block.get() + last.block_used, bytes.data(), taken);
    last.block_used += taken;
    last.size += taken;
    bytes.remove_prefix(taken);
  }
}

void SendQueue::Reference(absl::string_view bytes, std::shared_ptr<const void> owner) {
  if (bytes.empty()) return;
  appended_ += bytes.size();
  pieces_.push_back({bytes.data(), bytes.size(), std::move(owner), nullptr, 0});
}

void SendQueue::OnSent(Done done) { waiting_.push_back({appended_, std::move(done)}); }

size_t SendQueue::Peek(iovec* pieces, size_t max) const {
  size_t count = 0;
  for (const Piece& piece : pieces_) {
    if (count == max) break;
    pieces[count++] = {const_cast<char*>(piece.data), piece.size};
  }
  return count;
}

void SendQueue::Consume(size_t bytes, std::vector<Done>* due) {
  sent_ += bytes;
  while (bytes > 0) {
    Piece& first = pieces_.front();
    const size_t taken = std::min(bytes, first.size);
    first.data += taken;
    first.size -= taken;
    bytes -= taken;
    if (first.size > 0) break;
    if (first.block != nullptr) spare_block_ = std::move(first.block);
    pieces_.pop_front();
  }
  while (!waiting_.empty() && waiting_.front().position <= sent_) {
    due->push_back(std::move(waiting_.front().done));
    waiting_.pop_front();
  }
}

void SendQueue::Clear(std::vector<Done>* failed) {
  for (Waiting& waiting : waiting_) failed->push_back(std::move(waiting.done));
  waiting_.clear();
  pieces_.clear();
  sent_ = appended_;
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/archive_bytes.h"

#include <utility>

namespace tfserving_remote {
namespace {

// Blocks in memory whatever the budget says: one is read while the other comes.
constexpr size_t kLeastBlocks = 2;
constexpr size_t kMostBlocks = 16;

}  // namespace

absl::StatusOr<absl::Span<const char>> ArchiveBytes::Next() {
  if (front_given_) {
    stream_.Release(grid_.block_size);
    absl::MutexLock lock(&mu_);
    spare_.push_back(std::move(blocks_.front()->buffer));
    blocks_.pop_front();
    front_given_ = false;
  }
  FetchAhead();
  if (blocks_.empty()) return absl::Span<const char>();
  Block& front = *blocks_.front();
  {
    absl::MutexLock lock(&front.mu);
    front.mu.Await(absl::Condition(&front.done));
    if (!front.status.ok()) return front.status;
  }
  front_given_ = true;
  return front.buffer.span().subspan(0, front.range.length);
}

void ArchiveBytes::Close() {
  stream_.Release(grid_.block_size * blocks_.size());
  // Transfers in progress keep their own blocks.
  blocks_.clear();
  front_given_ = false;
  absl::MutexLock lock(&mu_);
  spare_.clear();
}

void ArchiveBytes::FetchAhead() {
  while (next_block_ < grid_.block_count() && blocks_.size() < kMostBlocks) {
    if (!stream_.TryReserve(grid_.block_size)) {
      if (blocks_.size() >= kLeastBlocks) return;
      stream_.Reserve(grid_.block_size);
    }
    auto block = std::make_shared<Block>();
    block->range = grid_.Block(next_block_++);
    blocks_.push_back(block);
    stream_.Submit(TransferUrgency::kDemand, [this, block] { Transfer(*block); });
  }
}

void ArchiveBytes::Transfer(Block& block) {
  block.buffer = TakeSpare();
  absl::Status status;
  if (block.buffer.data() == nullptr) {
    absl::StatusOr<PageBuffer> buffer = PageBuffer::Allocate(grid_.block_size);
    status = buffer.ok() ? absl::OkStatus() : fetcher_.Fail(buffer.status());
    if (buffer.ok()) block.buffer = *std::move(buffer);
  }
  if (status.ok()) {
    status = fetcher_.Fetch(object_, block.range.offset,
                            block.buffer.span().subspan(0, block.range.length));
  }
  absl::MutexLock lock(&block.mu);
  block.status = status;
  block.done = true;
}

PageBuffer ArchiveBytes::TakeSpare() {
  absl::MutexLock lock(&mu_);
  if (spare_.empty()) return PageBuffer();
  PageBuffer buffer = std::move(spare_.back());
  spare_.pop_back();
  return buffer;
}

}  // namespace tfserving_remote

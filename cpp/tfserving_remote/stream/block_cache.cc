// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/block_cache.h"

#include <algorithm>

namespace tfserving_remote {
namespace {

// Blocks that one reader may be ahead; with blocks of 8 MiB this keeps 16 connections busy.
constexpr uint64_t kMaxWindow = 16;
// Blocks that stay although all of their bytes were read: TensorFlow's readers fetch a megabyte
// around what they want, so neighbours ask for some bytes twice.
constexpr size_t kKeptSpent = 4;

}  // namespace

absl::Status BlockCache::Entry::Wait() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&done_));
  return status_;
}

BlockCache::BlockCache(const std::vector<GriddedObject>& objects, ChunkFetcher& fetcher,
                       TransferStream& stream)
    : objects_(objects), fetcher_(fetcher), stream_(stream) {
  claimed_.reserve(objects.size());
  for (const GriddedObject& object : objects) claimed_.emplace_back(object.grid.block_count());
}

bool BlockCache::Claim(size_t object, uint64_t block) {
  absl::MutexLock lock(&mu_);
  if (entries_.count({object, block}) != 0) return false;
  claimed_[object][block] = true;
  return true;
}

std::shared_ptr<BlockCache::Entry> BlockCache::Get(size_t object, uint64_t block) {
  std::shared_ptr<Entry> entry;
  {
    absl::MutexLock lock(&mu_);
    const Key key = {object, block};
    bool first_touch = false;
    entry = Touch(key, first_touch);
    if (entry != nullptr && !first_touch) return entry;
    if (entry == nullptr) {
      const uint64_t bytes = objects_[object].grid.Block(block).length;
      bool reserved = stream_.TryReserve(bytes);
      while (!reserved && EvictOne()) reserved = stream_.TryReserve(bytes);
      if (!reserved) stream_.Reserve(bytes);  // somebody waits for this block
      const bool in_sequence = block > 0 && claimed_[object][block - 1];
      entry = Add(key, in_sequence ? 2 : 1);
    }
  }
  // A block that was only read ahead until now moves in front of others that are.
  Submit(TransferUrgency::kDemand, entry);
  return entry;
}

std::shared_ptr<BlockCache::Entry> BlockCache::Touch(Key key, bool& first_touch) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  const std::shared_ptr<Entry>& entry = found->second;
  order_.splice(order_.end(), order_, entry->place_);
  if (entry->untouched_) {
    entry->window_ = std::min(2 * entry->window_, kMaxWindow);
    first_touch = !entry->started_.load();
  }
  entry->untouched_ = false;
  entry->unwanted_ = false;
  return entry;
}

void BlockCache::Consumed(const std::shared_ptr<Entry>& entry, uint64_t bytes) {
  absl::MutexLock lock(&mu_);
  entry->consumed_ += bytes;
  const auto found = entries_.find(entry->key_);
  if (found == entries_.end() || found->second != entry) return;
  if (entry->consumed_ < entry->range_.length || objects_[entry->key_.first].keep) return;
  if (std::find(spent_.begin(), spent_.end(), entry->key_) == spent_.end()) {
    spent_.push_back(entry->key_);
  }
  if (spent_.size() > kKeptSpent) Remove(*entries_.at(spent_.front()));
}

void BlockCache::ReadAhead(const std::shared_ptr<Entry>& entry) {
  std::vector<std::shared_ptr<Entry>> started;
  {
    absl::MutexLock lock(&mu_);
    const auto [object, block] = entry->key_;
    const BlockGrid& grid = objects_[object].grid;
    const uint64_t end = std::min(block + 1 + entry->window_, grid.block_count());
    for (uint64_t next = block + 1; next < end; ++next) {
      if (claimed_[object][next]) continue;
      if (!stream_.TryReserve(grid.Block(next).length)) break;
      started.push_back(Add({object, next}, entry->window_));
      started.back()->untouched_ = true;
    }
  }
  for (std::shared_ptr<Entry>& ahead : started) Submit(TransferUrgency::kAhead, std::move(ahead));
}

void BlockCache::Clear() {
  absl::MutexLock lock(&mu_);
  while (EvictOne()) {
  }
  for (const auto& in_transfer : entries_) in_transfer.second->unwanted_ = true;
}

std::shared_ptr<BlockCache::Entry> BlockCache::Add(Key key, uint64_t window) {
  auto entry = std::make_shared<Entry>(key, objects_[key.first].grid.Block(key.second));
  entry->window_ = window;
  entry->place_ = order_.insert(order_.end(), key);
  claimed_[key.first][key.second] = true;
  entries_[key] = entry;
  return entry;
}

void BlockCache::Remove(const Entry& entry) {
  stream_.Release(entry.range_.length);
  const Key key = entry.key_;
  spent_.erase(std::remove(spent_.begin(), spent_.end(), key), spent_.end());
  order_.erase(entry.place_);
  entries_.erase(key);
}

bool BlockCache::EvictOne() {
  if (!spent_.empty()) {
    Remove(*entries_.at(spent_.front()));
    return true;
  }
  for (const Key& key : order_) {
    const Entry& entry = *entries_.at(key);
    if (!entry.ready_) continue;
    Remove(entry);
    return true;
  }
  return false;
}

void BlockCache::Submit(TransferUrgency urgency, std::shared_ptr<Entry> entry) {
  stream_.Submit(urgency, [this, entry = std::move(entry)] { Transfer(*entry); });
}

void BlockCache::Transfer(Entry& entry) {
  if (entry.started_.exchange(true)) return;
  absl::StatusOr<PageBuffer> buffer = PageBuffer::Allocate(entry.range_.length);
  absl::Status status = buffer.status();
  if (status.ok()) {
    entry.bytes_ = *std::move(buffer);
    status =
        fetcher_.Fetch(objects_[entry.key_.first].pinned, entry.range_.offset, entry.bytes_.span());
  } else {
    status = fetcher_.Fail(status);
  }
  {
    absl::MutexLock lock(&mu_);
    entry.ready_ = true;
    if (entry.unwanted_) Remove(entry);  // the transfer itself keeps it alive
  }
  absl::MutexLock lock(&entry.mu_);
  entry.status_ = status;
  entry.done_ = true;
}

}  // namespace tfserving_remote

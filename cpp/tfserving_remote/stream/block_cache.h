// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_BLOCK_CACHE_H_
#define TFSERVING_REMOTE_STREAM_BLOCK_CACHE_H_

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "tfserving_remote/stream/chunk_fetcher.h"
#include "tfserving_remote/stream/page_buffer.h"
#include "tfserving_remote/stream/read_plan.h"
#include "tfserving_remote/stream/transfer_pool.h"

namespace tfserving_remote {

/// A pinned object and how it is cut.
struct GriddedObject {
  PinnedObject pinned;
  BlockGrid grid;
  /// Its blocks stay after they were read to the end: for files that are read more than once.
  bool keep = false;
};

/// Verified blocks that more than one read needs, or that no read has asked for yet. Each is
/// fetched once however many wait for it, goes soon after all of it was read, and goes earlier,
/// the longest unused first, when the budget of the stream is short.
///
/// Units:    bytes; blocks are counted from 0.
/// Errors:   Wait returns what ChunkFetcher returns.
/// Threads:  safe to call from any thread; only Wait blocks.
/// Lifetime: borrows everything it is given; the stream dies first and the cache after it.
class BlockCache {
 public:
  class Entry {
   public:
    /// Blocks until the bytes are there or cannot come.
    absl::Status Wait();
    /// After Wait returned OK.
    const char* data() const { return bytes_.data(); }

   private:
    friend class BlockCache;
    const std::pair<size_t, uint64_t> key_;
    const ByteRange range_;

    std::atomic<bool> started_{false};
    absl::Mutex mu_;
    bool done_ ABSL_GUARDED_BY(mu_) = false;
    absl::Status status_ ABSL_GUARDED_BY(mu_);
    PageBuffer bytes_;  // written before done_

    // Guarded by the cache's mu_.
    uint64_t consumed_ = 0;
    uint64_t window_ = 1;
    bool untouched_ = false;
    bool ready_ = false;
    bool unwanted_ = false;
    std::list<std::pair<size_t, uint64_t>>::iterator place_;

   public:
    Entry(std::pair<size_t, uint64_t> key, ByteRange range) : key_(key), range_(range) {}
  };

  BlockCache(const std::vector<GriddedObject>& objects, ChunkFetcher& fetcher,
             TransferStream& stream);

  /// Says that a block is about to be fetched past the cache. False when the cache has it or
  /// fetches it already; then Get is cheaper.
  bool Claim(size_t object, uint64_t block);
  /// The block, fetched now if nobody did yet.
  std::shared_ptr<Entry> Get(size_t object, uint64_t block);
  /// Notes that `bytes` of the block were copied out.
  void Consumed(const std::shared_ptr<Entry>& entry, uint64_t bytes);
  /// Fetches what comes after a block that was read in part, as far as the budget goes and farther
  /// each time this turns out to be right. Skips what somebody has fetched.
  void ReadAhead(const std::shared_ptr<Entry>& entry);
  /// Forgets every block; one in transfer as soon as it is there, unless it is asked for first.
  void Clear();

 private:
  using Key = std::pair<size_t, uint64_t>;

  std::shared_ptr<Entry> Add(Key key, uint64_t window) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Remove(const Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool EvictOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The entry that is there already; null when there is none.
  std::shared_ptr<Entry> Touch(Key key, bool& first_touch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Submit(TransferUrgency urgency, std::shared_ptr<Entry> entry);
  // Of several transfers of one entry the first does the work.
  void Transfer(Entry& entry);

  // Constant after construction.
  const std::vector<GriddedObject>& objects_;
  ChunkFetcher& fetcher_;
  TransferStream& stream_;

  // Guarded by mu_.
  absl::Mutex mu_;
  std::map<Key, std::shared_ptr<Entry>> entries_ ABSL_GUARDED_BY(mu_);
  // Longest unused first.
  std::list<Key> order_ ABSL_GUARDED_BY(mu_);
  // Read to the end, the first to be so first.
  std::vector<Key> spent_ ABSL_GUARDED_BY(mu_);
  // By object and block: fetched at least once, in whatever way.
  std::vector<std::vector<bool>> claimed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_BLOCK_CACHE_H_

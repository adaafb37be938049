// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_ARCHIVE_BYTES_H_
#define TFSERVING_REMOTE_STREAM_ARCHIVE_BYTES_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "tfserving_remote/stream/chunk_fetcher.h"
#include "tfserving_remote/stream/page_buffer.h"
#include "tfserving_remote/stream/read_plan.h"
#include "tfserving_remote/stream/transfer_pool.h"

namespace tfserving_remote {

/// One object from its beginning to its end, fetched by parallel ranged GETs ahead of the one who
/// reads it.
///
/// Units:    bytes.
/// Errors:   what ChunkFetcher returns.
/// Threads:  Next is for one thread.
/// Lifetime: borrows everything it is given; the stream dies first and this after it.
class ArchiveBytes {
 public:
  ArchiveBytes(const PinnedObject& object, BlockGrid grid, ChunkFetcher& fetcher,
               TransferStream& stream)
      : object_(object), grid_(grid), fetcher_(fetcher), stream_(stream) {}

  /// The next verified bytes, valid until the next call; empty at the end of the object.
  absl::StatusOr<absl::Span<const char>> Next();
  /// Gives memory and budget back: nobody calls Next any more. For the thread of Next.
  void Close();

 private:
  struct Block {
    ByteRange range;
    PageBuffer buffer;
    absl::Mutex mu;
    bool done ABSL_GUARDED_BY(mu) = false;
    absl::Status status ABSL_GUARDED_BY(mu);
  };

  void FetchAhead();
  void Transfer(Block& block);
  PageBuffer TakeSpare();

  // Constant after construction.
  const PinnedObject& object_;
  const BlockGrid grid_;
  ChunkFetcher& fetcher_;
  TransferStream& stream_;

  // Of the reading thread.
  uint64_t next_block_ = 0;
  // The front is what Next gave last.
  std::deque<std::shared_ptr<Block>> blocks_;
  bool front_given_ = false;

  // Guarded by mu_. Buffers that were read, for the blocks to come: touching fresh memory is dear.
  absl::Mutex mu_;
  std::vector<PageBuffer> spare_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_ARCHIVE_BYTES_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_READ_PLAN_H_
#define TFSERVING_REMOTE_STREAM_READ_PLAN_H_

#include <cstdint>
#include <vector>

#include "tfserving_remote/base/byte_range.h"

namespace tfserving_remote {

/// How an object is cut into blocks: what one GET fetches and what a buffer holds. A block is a
/// whole number of the manifest's chunks, since only whole chunks can be verified.
struct BlockGrid {
  uint64_t object_size = 0;
  uint64_t block_size = 0;

  uint64_t block_count() const {
    return object_size / block_size + (object_size % block_size != 0 ? 1 : 0);
  }
  ByteRange Block(uint64_t block) const;
};

/// Block size for an object: about `range_bytes`, at least one chunk; objects up to
/// `small_file_bytes` are one block. `chunk_size` is 0 without a manifest. Pure.
BlockGrid PlanGrid(uint64_t object_size, uint64_t chunk_size, uint64_t range_bytes,
                   uint64_t small_file_bytes);

/// The part of one block that a read wants.
struct ReadPiece {
  uint64_t block = 0;
  /// Inside the object.
  ByteRange range;
  /// The read wants all of the block, so it can be fetched straight into the reader's memory.
  bool whole = false;
};

/// The blocks of a read of [offset, offset + length), in order; the range lies inside the object.
/// Pure.
std::vector<ReadPiece> PlanRead(const BlockGrid& grid, uint64_t offset, uint64_t length);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_READ_PLAN_H_

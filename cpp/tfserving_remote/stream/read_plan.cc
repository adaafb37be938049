// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/read_plan.h"

#include <algorithm>

namespace tfserving_remote {

ByteRange BlockGrid::Block(uint64_t block) const {
  const uint64_t offset = block * block_size;
  return {offset, std::min(block_size, object_size - offset)};
}

BlockGrid PlanGrid(uint64_t object_size, uint64_t chunk_size, uint64_t range_bytes,
                   uint64_t small_file_bytes) {
  const uint64_t unit = std::max<uint64_t>(chunk_size, 1);
  const uint64_t wanted =
      object_size <= small_file_bytes ? std::max(object_size, range_bytes) : range_bytes;
  // Rounded up for small files, so that they stay one block; down otherwise.
  const uint64_t units = object_size <= small_file_bytes ? (wanted + unit - 1) / unit
                                                         : std::max<uint64_t>(wanted / unit, 1);
  return {object_size, std::max<uint64_t>(units, 1) * unit};
}

std::vector<ReadPiece> PlanRead(const BlockGrid& grid, uint64_t offset, uint64_t length) {
  std::vector<ReadPiece> pieces;
  const uint64_t end = offset + length;
  while (offset < end) {
    const uint64_t number = offset / grid.block_size;
    const ByteRange block = grid.Block(number);
    const uint64_t piece_end = std::min(end, block.end());
    const ByteRange range = {offset, piece_end - offset};
    pieces.push_back({number, range, range == block});
    offset = piece_end;
  }
  return pieces;
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/read_plan.h"

#include <gtest/gtest.h>

#include <random>

namespace tfserving_remote {
namespace {

TEST(ReadPlanTest, BlocksAreWholeChunksOfAboutOneRange) {
  EXPECT_EQ(PlanGrid(1000, 8, 20, 0).block_size, 16);
  EXPECT_EQ(PlanGrid(1000, 64, 20, 0).block_size, 64);
  EXPECT_EQ(PlanGrid(1000, 0, 20, 0).block_size, 20);
  EXPECT_EQ(PlanGrid(1000, 8, 20, 0).block_count(), 63);
  EXPECT_EQ(PlanGrid(1000, 8, 20, 0).Block(62), (ByteRange{992, 8}));
}

TEST(ReadPlanTest, SmallFilesAreOneBlock) {
  EXPECT_EQ(PlanGrid(100, 8, 20, 100).block_count(), 1);
  EXPECT_EQ(PlanGrid(101, 8, 20, 100).block_count(), 7);
  EXPECT_EQ(PlanGrid(0, 8, 20, 100).block_count(), 0);
}

TEST(ReadPlanTest, TellsWholeBlocksFromPartsOfThem) {
  const BlockGrid grid = {25, 10};
  const std::vector<ReadPiece> pieces = PlanRead(grid, 5, 20);
  ASSERT_EQ(pieces.size(), 3);
  EXPECT_EQ(pieces[0].range, (ByteRange{5, 5}));
  EXPECT_FALSE(pieces[0].whole);
  EXPECT_EQ(pieces[1].range, (ByteRange{10, 10}));
  EXPECT_TRUE(pieces[1].whole);
  EXPECT_EQ(pieces[2].range, (ByteRange{20, 5}));
  EXPECT_TRUE(pieces[2].whole) << "the last block is shorter";
  EXPECT_TRUE(PlanRead(grid, 25, 0).empty());
}

TEST(ReadPlanTest, PiecesOfAnyReadAreInOrderWithoutGaps) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 1000; ++i) {
    const BlockGrid grid = {1 + random() % 1000, 1 + random() % 50};
    const uint64_t offset = random() % grid.object_size;
    const uint64_t length = random() % (grid.object_size - offset + 1);
    uint64_t next = offset;
    for (const ReadPiece& piece : PlanRead(grid, offset, length)) {
      EXPECT_EQ(piece.range.offset, next);
      EXPECT_EQ(piece.block, next / grid.block_size);
      EXPECT_EQ(piece.whole, piece.range == grid.Block(piece.block));
      next = piece.range.end();
    }
    EXPECT_EQ(next, offset + length);
  }
}

}  // namespace
}  // namespace tfserving_remote

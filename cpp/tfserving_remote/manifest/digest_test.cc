// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/manifest/digest.h"

#include <gtest/gtest.h>

namespace tfserving_remote {
namespace {

TEST(DigestTest, AgreesWithThePublishedTestVectors) {
  EXPECT_EQ(Crc32cToHex(Crc32c("123456789")), "e3069283");
  EXPECT_EQ(Crc32cToHex(Crc32c(std::string(32, '\0'))), "8a9136aa");  // RFC 3720, B.4
  EXPECT_EQ(ToHex(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(DigestTest, KnowsTheDigestsOfNothing) {
  EXPECT_EQ(Crc32cToHex(Crc32c("")), "00000000");
  EXPECT_EQ(ToHex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(DigestTest, MakesTheSameOfPieces) {
  Sha256Stream sha256;
  for (absl::string_view piece : {"a", "", "bc"}) sha256.Add(piece);
  EXPECT_EQ(sha256.Finish(), Sha256("abc"));
}

TEST(DigestTest, SeesOneFlippedBitInALargeBuffer) {
  std::string bytes(1 << 20, 'x');
  const uint32_t before = Crc32c(bytes);
  bytes[777777] ^= 1;
  EXPECT_NE(Crc32c(bytes), before);
}

TEST(DigestTest, ReadsBackWhatItWrote) {
  const Sha256Digest digest = Sha256("x");
  Sha256Digest read = {};
  EXPECT_TRUE(FromHex(ToHex(digest), absl::MakeSpan(read)));
  EXPECT_EQ(read, digest);
  EXPECT_FALSE(FromHex("g0", absl::MakeSpan(read).subspan(0, 1)));
  EXPECT_FALSE(FromHex("A0", absl::MakeSpan(read).subspan(0, 1)));
  EXPECT_FALSE(FromHex("0", absl::MakeSpan(read).subspan(0, 1)));
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/grpc_message_reader.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "tfserving_remote/net/h2_test_client.h"

namespace tfserving_remote {
namespace {

constexpr uint64_t kLimit = 1 << 20;

std::string Compress(absl::string_view plain, bool gzip) {
  z_stream stream = {};
  constexpr int kGzipWrapping = 16;
  EXPECT_EQ(Z_OK, deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + (gzip ? kGzipWrapping : 0), 8,
                               Z_DEFAULT_STRATEGY));
  std::string packed(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(Z_STREAM_END, deflate(&stream, Z_FINISH));
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

absl::Status ReadInPieces(GrpcMessageReader* reader, absl::string_view body, size_t piece) {
  for (size_t i = 0; i < body.size(); i += piece) {
    absl::Status status = reader->Consume(body.substr(i, piece));
    if (!status.ok()) return status;
  }
  return reader->Finish();
}

TEST(GrpcMessageReaderTest, PutsAMessageTogetherFromPiecesOfAnySize) {
  const std::string message(300'000, 'm');
  for (size_t piece : {1, 2, 7, 16384, 1 << 20}) {
    GrpcMessageReader reader(GrpcEncoding::kIdentity, kLimit);
    EXPECT_TRUE(ReadInPieces(&reader, FrameMessage(message), piece).ok());
    EXPECT_TRUE(reader.message() == message);
  }
}

TEST(GrpcMessageReaderTest, TakesAnEmptyMessage) {
  GrpcMessageReader reader(GrpcEncoding::kIdentity, kLimit);
  EXPECT_TRUE(ReadInPieces(&reader, FrameMessage(""), 5).ok());
  EXPECT_EQ(reader.message(), "");
}

TEST(GrpcMessageReaderTest, ALyingPrefixCostsNoMemory) {
  GrpcMessageReader reader(GrpcEncoding::kIdentity, uint64_t{1} << 31);
  ASSERT_TRUE(reader.Consume(absl::string_view("\0\x7f\xff\xff\xff", 5)).ok());
  EXPECT_EQ(reader.announced_bytes(), 0x7fffffffu);
  EXPECT_EQ(reader.capacity(), 0u);
  ASSERT_TRUE(reader.Consume(std::string(100'000, 'x')).ok());
  EXPECT_LE(reader.capacity(), 200'000u);
}

TEST(GrpcMessageReaderTest, AllocatesAnOrdinaryMessageOnceAndExactly) {
  GrpcMessageReader reader(GrpcEncoding::kIdentity, kLimit);
  ASSERT_TRUE(reader.Consume(FrameMessage(std::string(5000, 'x')).substr(0, 1000)).ok());
  EXPECT_EQ(reader.capacity(), 5000u);
}

TEST(GrpcMessageReaderTest, RefusesWhatIsTooLongBeforeItComes) {
  GrpcMessageReader reader(GrpcEncoding::kIdentity, 10);
  EXPECT_EQ(reader.Consume(FrameMessage(std::string(11, 'x')).substr(0, 5)).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(reader.capacity(), 0u);
}

TEST(GrpcMessageReaderTest, RefusesMoreOrLessThanOneMessage) {
  const std::string message = FrameMessage("message");
  for (const std::string& body :
       {std::string(), message.substr(0, 4), message.substr(0, 9), message + message}) {
    GrpcMessageReader reader(GrpcEncoding::kIdentity, kLimit);
    EXPECT_EQ(ReadInPieces(&reader, body, 3).code(), absl::StatusCode::kInternal) << body.size();
  }
}

TEST(GrpcMessageReaderTest, Decompresses) {
  const std::string message(500'000, 'c');
  for (bool gzip : {true, false}) {
    const auto encoding = gzip ? GrpcEncoding::kGzip : GrpcEncoding::kDeflate;
    GrpcMessageReader reader(encoding, kLimit);
    EXPECT_TRUE(ReadInPieces(&reader, FrameMessage(Compress(message, gzip), true), 11).ok());
    EXPECT_TRUE(reader.message() == message);
  }
}

TEST(GrpcMessageReaderTest, AMessageMayStayUncompressedUnderAnEncoding) {
  GrpcMessageReader reader(GrpcEncoding::kGzip, kLimit);
  EXPECT_TRUE(ReadInPieces(&reader, FrameMessage("plain"), 100).ok());
  EXPECT_EQ(reader.message(), "plain");
}

TEST(GrpcMessageReaderTest, ABombGoesOffHarmlessly) {
  const std::string bomb = FrameMessage(Compress(std::string(50 << 20, '\0'), true), true);
  ASSERT_LT(bomb.size(), kLimit);
  GrpcMessageReader reader(GrpcEncoding::kGzip, kLimit);
  EXPECT_EQ(ReadInPieces(&reader, bomb, 16384).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_LE(reader.capacity(), kLimit + 1);
}

TEST(GrpcMessageReaderTest, TakesADecompressedMessageOfExactlyTheLimit) {
  GrpcMessageReader reader(GrpcEncoding::kGzip, kLimit);
  const std::string packed = Compress(std::string(kLimit, 'x'), true);
  EXPECT_TRUE(ReadInPieces(&reader, FrameMessage(packed, true), 100).ok());
  EXPECT_EQ(reader.message().size(), kLimit);
}

TEST(GrpcMessageReaderTest, RefusesCorruptCompression) {
  std::string packed = Compress("some text that is packed", true);
  const std::string truncated = packed.substr(0, packed.size() - 4);
  const std::string garbage = "this is no gzip";
  for (const std::string& bytes : {truncated, packed + "more", garbage, std::string()}) {
    GrpcMessageReader reader(GrpcEncoding::kGzip, kLimit);
    EXPECT_EQ(ReadInPieces(&reader, FrameMessage(bytes, true), 7).code(),
              absl::StatusCode::kInternal);
  }
}

}  // namespace
}  // namespace tfserving_remote

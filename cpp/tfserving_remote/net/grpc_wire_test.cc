// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/grpc_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "tfserving_remote/net/grpc_request_head.h"

namespace tfserving_remote {
namespace {

TEST(GrpcWireTest, ReadsTimeoutsOfEveryUnit) {
  EXPECT_EQ(ParseGrpcTimeout("2H"), absl::Hours(2));
  EXPECT_EQ(ParseGrpcTimeout("3M"), absl::Minutes(3));
  EXPECT_EQ(ParseGrpcTimeout("4S"), absl::Seconds(4));
  EXPECT_EQ(ParseGrpcTimeout("99999999m"), absl::Milliseconds(99999999));
  EXPECT_EQ(ParseGrpcTimeout("5u"), absl::Microseconds(5));
  EXPECT_EQ(ParseGrpcTimeout("0n"), absl::ZeroDuration());
}

TEST(GrpcWireTest, RefusesMalformedTimeouts) {
  for (const char* text : {"", "S", "5", "5s", "-1S", "1.5S", "999999999S", " 1S", "1 S", "1Sx"}) {
    EXPECT_EQ(ParseGrpcTimeout(text), std::nullopt) << text;
  }
}

TEST(GrpcWireTest, EncodesStatusMessagesForHeaders) {
  EXPECT_EQ(GrpcStatusMessage("plain ~ text"), "plain ~ text");
  EXPECT_EQ(GrpcStatusMessage("100%"), "100%25");
  EXPECT_EQ(GrpcStatusMessage("a\nb\x7f"), "a%0Ab%7F");
  EXPECT_EQ(GrpcStatusMessage("\xE2\x82\xAC"), "%E2%82%AC");
}

TEST(GrpcWireTest, CutsLongStatusMessagesBetweenCharacters) {
  std::string euros;
  for (int i = 0; i < 10'000; ++i) euros += "\xE2\x82\xAC";
  const std::string cut = GrpcStatusMessage(euros);
  EXPECT_LT(cut.size(), 8000u);
  EXPECT_TRUE(absl::EndsWith(cut, "%E2%82%AC"));
  EXPECT_LT(GrpcStatusMessage(std::string(100'000, '\x80')).size(), 8000u);
  EXPECT_LT(GrpcStatusMessage(std::string(100'000, 'x')).size(), 8000u);
}

TEST(GrpcWireTest, DecodesBinaryMetadata) {
  EXPECT_EQ(DecodeBinaryMetadata("aGVsbG8="), "hello");
  EXPECT_EQ(DecodeBinaryMetadata("aGVsbG8"), "hello");
  EXPECT_EQ(DecodeBinaryMetadata("aGVsbG8, d29ybGQ"), "hello");
  EXPECT_EQ(DecodeBinaryMetadata(""), "");
  EXPECT_EQ(DecodeBinaryMetadata("!!"), std::nullopt);
}

TEST(GrpcWireTest, KnowsContentTypes) {
  for (const char* type : {"application/grpc", "application/grpc+proto", "Application/GRPC",
                           "application/grpc; charset=utf-8"}) {
    EXPECT_TRUE(IsGrpcContentType(type)) << type;
  }
  for (const char* type : {"", "application/grpc-web", "application/grpc+json", "text/plain"}) {
    EXPECT_FALSE(IsGrpcContentType(type)) << type;
  }
}

GrpcRequestHead HeadOf(uint64_t limit) {
  GrpcRequestHead head(limit);
  head.Add(":method", "POST");
  head.Add(":path", "/a/B");
  head.Add("content-type", "application/grpc");
  return head;
}

TEST(GrpcRequestHeadTest, KeepsMetadataButNotTheProtocolsOwnFields) {
  GrpcRequestHead head = HeadOf(10'000);
  head.Add("te", "trailers");
  head.Add("key", "first");
  head.Add("key", "second");
  head.Add("key-bin", "AAE");
  EXPECT_EQ(head.Judge().http_status, 200);
  EXPECT_TRUE(head.Judge().status.ok());
  EXPECT_EQ(head.path(), "/a/B");
  EXPECT_EQ(head.metadata("key"), "first");
  EXPECT_EQ(head.metadata("key-bin"), absl::string_view("\0\1", 2));
  EXPECT_EQ(head.metadata("te"), "");
  EXPECT_EQ(head.timeout(), absl::InfiniteDuration());
}

TEST(GrpcRequestHeadTest, CountsButDoesNotKeepWhatIsTooMuch) {
  GrpcRequestHead head = HeadOf(200);
  head.Add("long", std::string(100, 'x'));
  EXPECT_EQ(head.Judge().status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(head.metadata("long"), "");
  EXPECT_GT(head.seen_bytes(), 200u);
}

TEST(GrpcRequestHeadTest, RefusesBinaryMetadataThatIsNotBase64) {
  GrpcRequestHead head = HeadOf(10'000);
  head.Add("x-bin", "%%%");
  EXPECT_EQ(head.Judge().status.code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace tfserving_remote

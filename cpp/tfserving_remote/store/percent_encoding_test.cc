// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/percent_encoding.h"

#include <gtest/gtest.h>

namespace tfserving_remote {
namespace {

TEST(PercentEncodingTest, EncodesWhatRfc3986Reserves) {
  EXPECT_EQ(PercentEncode("a/b c+d~e", Slash::kKeep), "a/b%20c%2Bd~e");
  EXPECT_EQ(PercentEncode("a/b", Slash::kEncode), "a%2Fb");
  EXPECT_EQ(PercentEncode("é", Slash::kKeep), "%C3%A9");
  EXPECT_EQ(PercentEncode(absl::string_view("\0\xff%", 3), Slash::kKeep), "%00%FF%25");
}

TEST(PercentEncodingTest, EveryByteComesBack) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    for (const bool plus : {false, true}) {
      EXPECT_EQ(PercentDecode(PercentEncode(text, Slash::kEncode), plus), text) << byte;
    }
  }
}

TEST(PercentEncodingTest, DecodesFormsAndLeavesBrokenEscapes) {
  EXPECT_EQ(PercentDecode("a+b%2Bc", true), "a b+c");
  EXPECT_EQ(PercentDecode("a+b", false), "a+b");
  EXPECT_EQ(PercentDecode("100%", false), "100%");
  EXPECT_EQ(PercentDecode("%4", false), "%4");
  EXPECT_EQ(PercentDecode("%zz%41", false), "%zzA");
}

TEST(PercentEncodingTest, QueriesAreSorted) {
  EXPECT_EQ(EncodeQuery({{"prefix", "m/"}, {"list-type", "2"}, {"delimiter", "/"}}),
            "delimiter=%2F&list-type=2&prefix=m%2F");
  EXPECT_EQ(EncodeQuery({}), "");
}

}  // namespace
}  // namespace tfserving_remote

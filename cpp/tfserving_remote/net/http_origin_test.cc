// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tfserving_remote/net/http_client.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(HttpOriginTest, KnowsTheSchemesOwnPorts) {
  const auto plain = HttpOrigin::Parse("http://Store.Example");
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->ToString(), "http://store.example:80");
  EXPECT_EQ(plain->HostHeader(), "store.example");
  const auto secure = HttpOrigin::Parse("https://store.example/");
  ASSERT_TRUE(secure.ok()) << secure.status();
  EXPECT_TRUE(secure->tls);
  EXPECT_EQ(secure->port, 443);
  EXPECT_EQ(secure->HostHeader(), "store.example");
}

TEST(HttpOriginTest, NamesAForeignPortInTheHostHeader) {
  const auto origin = HttpOrigin::Parse("https://127.0.0.1:80");
  ASSERT_TRUE(origin.ok()) << origin.status();
  EXPECT_EQ(origin->HostHeader(), "127.0.0.1:80");
  EXPECT_EQ(origin->ToString(), "https://127.0.0.1:80");
}

TEST(HttpOriginTest, PutsIpv6InBrackets) {
  const auto origin = HttpOrigin::Parse("http://[::1]:9000");
  ASSERT_TRUE(origin.ok()) << origin.status();
  EXPECT_EQ(origin->host, "::1");
  EXPECT_EQ(origin->HostHeader(), "[::1]:9000");
  EXPECT_EQ(origin->ToString(), "http://[::1]:9000");
}

TEST(HttpOriginTest, RefusesEverythingElse) {
  for (const char* text : {"",
                           "store.example",
                           "ftp://store.example",
                           "http://",
                           "http://:80",
                           "http://a b",
                           "http://a/path",
                           "http://a?query",
                           "http://a#part",
                           "http://a:",
                           "http://a:0",
                           "http://a:65536",
                           "http://a:+80",
                           "http://a:8o",
                           "http://[::1",
                           "http://[a]:80",
                           "http://[::1]80",
                           "http://::1",
                           "http://a\r\nX: 1",
                           "https://a//"}) {
    EXPECT_EQ(HttpOrigin::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(HttpOriginTest, NeverRepeatsAPassword) {
  const absl::Status status = HttpOrigin::Parse("https://user:secret@store.example").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.ToString(), Not(HasSubstr("secret")));
}

TEST(FindHeaderTest, IgnoresCaseAndTakesTheFirst) {
  const std::vector<HttpHeader> headers = {{"ETag", "a"}, {"etag", "b"}};
  EXPECT_EQ(FindHeader(headers, "eTAG"), "a");
  EXPECT_FALSE(FindHeader(headers, "tag").has_value());
}

}  // namespace
}  // namespace tfserving_remote

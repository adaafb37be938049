// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/s3/s3_xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

using ::testing::ElementsAre;

std::string Page(const std::string& inner) {
  return absl::StrCat(R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)",
                      inner, "</ListBucketResult>");
}

TEST(S3XmlTest, ReadsAPage) {
  const absl::StatusOr<S3ListPage> page = ParseS3ListPage(Page(R"(
      <Name>b</Name><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
      <NextContinuationToken>1ueGc+/=</NextContinuationToken>
      <Contents><Key>m/a+b%2Bc%C3%A9</Key><ETag>&quot;abc-2&quot;</ETag><Size>7</Size></Contents>
      <CommonPrefixes><Prefix>m/1/</Prefix></CommonPrefixes>)"));
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(page->listing.objects, ElementsAre(ObjectInfo{"m/a b+cé", 7, "abc-2"}));
  EXPECT_THAT(page->listing.prefixes, ElementsAre("m/1/"));
  EXPECT_EQ(page->continuation_token, "1ueGc+/=");
}

TEST(S3XmlTest, NamesAreDecodedOnlyWhenTheStoreSaysSo) {
  const absl::StatusOr<S3ListPage> page = ParseS3ListPage(
      Page("<Contents><Key>a+b%20&amp;c</Key><ETag>x</ETag><Size>1</Size></Contents>"
           "<Contents><Key> </Key><ETag>x</ETag><Size>1</Size></Contents>"));
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->listing.objects[0].key, "a+b%20&c");
  EXPECT_EQ(page->listing.objects[1].key, " ");
  EXPECT_EQ(page->continuation_token, "");
}

TEST(S3XmlTest, RefusesPagesThatLackSomething) {
  for (const std::string& text :
       {std::string(""), std::string("<html>"), std::string("<Error/>"),
        Page("<Contents><Key>a</Key><ETag>x</ETag><Size>-1</Size></Contents>"),
        Page("<Contents><Key>a</Key><ETag>x</ETag></Contents>"),
        Page("<Contents><Key>a</Key><Size>1</Size></Contents>"),
        Page("<Contents><ETag>x</ETag><Size>1</Size></Contents>"),
        Page("<CommonPrefixes></CommonPrefixes>"), Page("<IsTruncated>true</IsTruncated>"),
        Page("<Contents><Key>a</Key><ETag>x</ETag><Size>1</Si")}) {
    EXPECT_FALSE(ParseS3ListPage(text).ok()) << text;
  }
}

TEST(S3XmlTest, DeepNestingDoesNoHarm) {
  std::string deep;
  for (int i = 0; i < 1000000; ++i) deep += "<a>";
  EXPECT_FALSE(ParseS3ListPage(deep).ok());
  for (int i = 0; i < 1000000; ++i) deep += "</a>";
  EXPECT_FALSE(ParseS3ListPage(deep).ok());
}

TEST(S3XmlTest, ReadsOnlyTheHarmlessPartsOfAnError) {
  const S3ErrorBody error = ParseS3Error(
      "<Error><Code>ExpiredToken</Code><Message>expired</Message><Token-0>SECRET</Token-0>"
      "<Region>eu-west-1</Region><RequestId>R1</RequestId></Error>");
  EXPECT_EQ(error.code, "ExpiredToken");
  EXPECT_EQ(error.message, "expired");
  EXPECT_EQ(error.region, "eu-west-1");
  EXPECT_EQ(error.request_id, "R1");
  EXPECT_EQ(ParseS3Error("<html>Bad gateway").code, "");
}

}  // namespace
}  // namespace tfserving_remote

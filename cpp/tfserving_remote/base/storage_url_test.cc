// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/base/storage_url.h"

#include <gtest/gtest.h>

namespace tfserving_remote {
namespace {

TEST(StorageUrlTest, ReadsEveryScheme) {
  EXPECT_EQ(*StorageUrl::Parse("s3://bucket/a/b/"), (StorageUrl{"s3", "bucket", "a/b"}));
  EXPECT_EQ(*StorageUrl::Parse("gs://bucket"), (StorageUrl{"gs", "bucket", ""}));
  EXPECT_EQ(*StorageUrl::Parse("file:///models/m"), (StorageUrl{"file", "", "/models/m"}));
  EXPECT_EQ(*StorageUrl::Parse("/models/m//"), (StorageUrl{"file", "", "/models/m"}));
}

TEST(StorageUrlTest, WritesWhatItReads) {
  for (const char* text : {"s3://bucket/a/b", "gs://bucket", "/models/m"}) {
    EXPECT_EQ(StorageUrl::Parse(text)->ToString(), text);
  }
}

TEST(StorageUrlTest, ChildJoinsWithOneSlash) {
  EXPECT_EQ(StorageUrl::Parse("s3://bucket")->Child("m/1").ToString(), "s3://bucket/m/1");
  EXPECT_EQ(StorageUrl::Parse("/models")->Child("1").ToString(), "/models/1");
  EXPECT_EQ(StorageUrl::Parse("/")->Child("1").ToString(), "/1");
}

TEST(StorageUrlTest, SaysWhatToWriteInstead) {
  EXPECT_NE(StorageUrl::Parse("s3:///key").status().message().find("s3://BUCKET"),
            std::string::npos);
  EXPECT_NE(StorageUrl::Parse("models/m").status().message().find("absolute"), std::string::npos);
  EXPECT_NE(StorageUrl::Parse("http://x/y").status().message().find("known are"),
            std::string::npos);
  EXPECT_FALSE(StorageUrl::Parse("s3://b/\n").ok());
}

}  // namespace
}  // namespace tfserving_remote

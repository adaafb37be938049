// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/s3/s3_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tfserving_remote {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

S3Options Read(Variables variables) {
  absl::StatusOr<S3Options> options =
      S3Options::FromEnvironment(FixedEnvironment(std::move(variables)));
  EXPECT_TRUE(options.ok()) << options.status();
  return *std::move(options);
}

std::string UrlOf(const S3Options& options, const char* bucket, const char* region) {
  const absl::StatusOr<S3Address> address = S3AddressOf(options, bucket, region);
  EXPECT_TRUE(address.ok()) << address.status();
  return (address->origin.tls ? "https://" : "http://") + address->origin.HostHeader() +
         address->path_prefix;
}

TEST(S3OptionsTest, TheMoreSpecificEndpointWinsAndIsNoted) {
  const S3Options options = Read({{"AWS_ENDPOINT_URL", "http://all:1"},
                                  {"AWS_ENDPOINT_URL_S3", "http://s3:9000/"},
                                  {"S3_ENDPOINT", "old:3"}});
  EXPECT_EQ(options.endpoint, "http://s3:9000");
  EXPECT_THAT(options.notes, Contains(HasSubstr("AWS_ENDPOINT_URL_S3")));
  EXPECT_EQ(Read({{"AWS_ENDPOINT_URL", "http://all:1"}}).endpoint, "http://all:1");
}

TEST(S3OptionsTest, ConfiguredEndpointsCanBeIgnored) {
  EXPECT_EQ(Read({{"AWS_ENDPOINT_URL_S3", "http://s3:9000"},
                  {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"}})
                .endpoint,
            "");
}

TEST(S3OptionsTest, TheOlderEndpointNameHasNoScheme) {
  EXPECT_EQ(Read({{"S3_ENDPOINT", "minio:9000"}}).endpoint, "https://minio:9000");
  EXPECT_EQ(Read({{"S3_ENDPOINT", "minio:9000"}, {"S3_USE_HTTPS", "0"}}).endpoint,
            "http://minio:9000");
}

TEST(S3OptionsTest, ReadsRegionKeysAndTheRest) {
  const S3Options options = Read({{"AWS_DEFAULT_REGION", "eu-west-1"},
                                  {"AWS_ACCESS_KEY_ID", "id"},
                                  {"AWS_SECRET_ACCESS_KEY", "secret"},
                                  {"AWS_SESSION_TOKEN", "token"},
                                  {"AWS_CA_BUNDLE", "/ca.pem"},
                                  {"S3_VERIFY_SSL", "false"},
                                  {"AWS_REQUEST_PAYER", "requester"},
                                  {"S3_CONNECT_TIMEOUT_MSEC", "1500"}});
  EXPECT_EQ(options.region, "eu-west-1");
  ASSERT_TRUE(options.static_credentials.has_value());
  EXPECT_EQ(options.static_credentials->session_token, "token");
  EXPECT_EQ(options.ca_file, "/ca.pem");
  EXPECT_FALSE(options.verify_tls);
  EXPECT_TRUE(options.requester_pays);
  EXPECT_EQ(options.timeouts.connect, absl::Milliseconds(1500));
  EXPECT_THAT(options.notes, Not(Contains(HasSubstr("secret"))));
  EXPECT_EQ(Read({{"AWS_REGION", "a-1"}, {"AWS_DEFAULT_REGION", "b-1"}}).region, "a-1");
}

TEST(S3OptionsTest, HalfAKeyIsNoKeyAndAnonymityIsAsked) {
  EXPECT_FALSE(Read({{"AWS_ACCESS_KEY_ID", "id"}}).static_credentials.has_value());
  EXPECT_FALSE(Read({}).anonymous);
  EXPECT_TRUE(Read({{"TFSR_S3_ANONYMOUS", "true"}}).anonymous);
  EXPECT_TRUE(Read({{"awsAnonymousCredential", "true"}}).anonymous);
}

TEST(S3OptionsTest, RefusesWhatMakesNoSense) {
  for (const Variables& variables :
       {Variables{{"AWS_REGION", "evil.example.com/"}}, Variables{{"AWS_ENDPOINT_URL", "ftp://x"}},
        Variables{{"AWS_ENDPOINT_URL", "http://host/path"}},
        Variables{{"S3_REQUEST_TIMEOUT_MSEC", "soon"}}}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(S3Options::FromEnvironment(FixedEnvironment(variables)).status()));
  }
}

TEST(S3AddressTest, VirtualHostsOnAwsAndPathsElsewhere) {
  EXPECT_EQ(UrlOf(Read({}), "bucket", "eu-west-1"), "https://bucket.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(UrlOf(Read({}), "bucket", "cn-north-1"),
            "https://bucket.s3.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(UrlOf(Read({{"AWS_ENDPOINT_URL", "http://h:9000"}}), "bucket", "us-east-1"),
            "http://h:9000/bucket");
}

TEST(S3AddressTest, BucketsThatAreNoDnsLabelsGoIntoThePath) {
  const S3Options aws = Read({});
  for (const char* bucket : {"a.b", "Upper", "under_score", "-dash"}) {
    EXPECT_EQ(UrlOf(aws, bucket, "us-east-1"),
              std::string("https://s3.us-east-1.amazonaws.com/") + bucket);
  }
}

TEST(S3AddressTest, VirtualHostsElsewhereOnWish) {
  const S3Options options =
      Read({{"S3_ENDPOINT", "store.example:443"}, {"S3_USER_VIRTUAL_BUCKET", "1"}});
  EXPECT_EQ(UrlOf(options, "bucket", "us-east-1"), "https://bucket.store.example");
}

}  // namespace
}  // namespace tfserving_remote

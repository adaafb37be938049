// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/s3/sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tfserving_remote/store/percent_encoding.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;

// The examples of "Signature Calculations for the Authorization Header" in Amazon S3's
// documentation.
SigV4Key DocumentedKey() {
  return {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "s3"};
}

absl::Time DocumentedTime() { return absl::FromUnixSeconds(1369353600); }  // 2013-05-24

SigV4Request DocumentedRequest(const std::string& path, const std::string& query) {
  SigV4Request request;
  request.path = path;
  request.query = query;
  request.headers = {{"Host", "examplebucket.s3.amazonaws.com"},
                     {"x-amz-content-sha256", kEmptyPayloadSha256},
                     {"x-amz-date", "20130524T000000Z"}};
  return request;
}

TEST(SigV4Test, SignsTheDocumentedGetObject) {
  SigV4Request request = DocumentedRequest("/test.txt", "");
  request.headers.push_back({"Range", "bytes=0-9"});
  EXPECT_EQ(SigV4Authorization(request, DocumentedKey(), DocumentedTime()),
            "AWS4-HMAC-SHA256 "
            "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4Test, SignsTheDocumentedBucketLifecycleRequest) {
  EXPECT_THAT(
      SigV4Authorization(DocumentedRequest("/", "lifecycle="), DocumentedKey(), DocumentedTime()),
      HasSubstr("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST(SigV4Test, SignsTheDocumentedListObjects) {
  const std::string query = EncodeQuery({{"prefix", "J"}, {"max-keys", "2"}});
  EXPECT_THAT(SigV4Authorization(DocumentedRequest("/", query), DocumentedKey(), DocumentedTime()),
              HasSubstr("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(SigV4Test, SignsTheDocumentedPutObject) {
  const std::string body = "Welcome to Amazon S3.";
  SigV4Request request = DocumentedRequest(PercentEncode("/test$file.text", Slash::kKeep), "");
  request.method = "PUT";
  request.payload_sha256 = Sha256Hex(body);
  request.headers[1].value = request.payload_sha256;
  request.headers.push_back({"Date", "Fri, 24 May 2013 00:00:00 GMT"});
  request.headers.push_back({"x-amz-storage-class", "REDUCED_REDUNDANCY"});
  EXPECT_THAT(SigV4Authorization(request, DocumentedKey(), DocumentedTime()),
              HasSubstr("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

// "get-vanilla" of AWS's Signature Version 4 test suite.
TEST(SigV4Test, SignsGetVanilla) {
  SigV4Request request;
  request.headers = {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}};
  const SigV4Key key{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1",
                     "service"};
  const absl::Time time = absl::FromUnixSeconds(1440938160);  // 2015-08-30 12:36
  EXPECT_EQ(Sha256Hex(SigV4CanonicalRequest(request)),
            "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63");
  EXPECT_EQ(SigV4Authorization(request, key, time),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(SigV4Test, HeaderCaseOrderAndSpacesDoNotMatter) {
  SigV4Request a;
  a.headers = {{"Host", "h"}, {"X-Amz-Meta", "  a   b "}};
  SigV4Request b;
  b.headers = {{"x-amz-meta", "a b"}, {"host", "h"}};
  EXPECT_EQ(SigV4CanonicalRequest(a), SigV4CanonicalRequest(b));
}

TEST(SigV4Test, TheHashOfNothingIsTheConstant) { EXPECT_EQ(Sha256Hex(""), kEmptyPayloadSha256); }

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
// The conformance suite over real HTTP against servers that others wrote. moto and fake-gcs-server
// are started here; TFSR_TEST_S3_ENDPOINT and TFSR_TEST_GCS_ENDPOINT name further ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tfserving_remote/base/environment.h"
#include "tfserving_remote/net/http_client.h"
#include "tfserving_remote/store/s3/s3_store.h"
#include "tfserving_remote/testing/child_server.h"
#include "tfserving_remote/testing/object_store_conformance.h"
#include "tfserving_remote/testing/writable_bucket.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<HttpClient> Http() {
  static const std::shared_ptr<HttpClient>* const http =
      new std::shared_ptr<HttpClient>(*CreateHttpClient({}));
  return *http;
}

// A server of tests/store that lives until this process ends; "" and why when it does not start.
std::string StartServer(const char* script, const char* install, std::string& why_not) {
  const EnvironmentReader environment = ProcessEnvironment();
  const std::string python = ReadEnvironment(environment, "TFSR_PYTHON");
  const std::string root = ReadEnvironment(environment, "TFSR_SOURCE_DIR");
  if (python.empty() || root.empty()) {
    why_not = "set TFSR_PYTHON and TFSR_SOURCE_DIR, or run it by ctest";
    return "";
  }
  auto server = ChildServer::Start({python, absl::StrCat(root, "/tests/store/", script)});
  if (!server.ok()) {
    why_not = absl::StrCat(server.status().message(), "; install it: ", install);
    return "";
  }
  static std::vector<std::unique_ptr<ChildServer>>* const servers =
      new std::vector<std::unique_ptr<ChildServer>>;
  servers->push_back(*std::move(server));
  return absl::StrCat("http://", servers->back()->first_line());
}

std::string MotoEndpoint(std::string& why_not) {
  static std::string why;
  static const std::string* const endpoint =
      new std::string(StartServer("serve_moto.py", "pip install 'moto[s3,server]'", why));
  why_not = why;
  return *endpoint;
}

std::string FakeGcsEndpoint(std::string& why_not) {
  static std::string why;
  static const std::string* const endpoint = new std::string(StartServer(
      "serve_fake_gcs.py", "go install github.com/fsouza/fake-gcs-server@v1.56.1", why));
  why_not = why;
  return *endpoint;
}

std::string EndpointFromEnvironment(const char* name, std::string& why_not) {
  why_not = absl::StrCat("set ", name, " to the endpoint of a store for tests");
  return ReadEnvironment(ProcessEnvironment(), name);
}

// A bucket whose objects lie under a root of their own.
class BucketSubject final : public StoreUnderTest {
 public:
  explicit BucketSubject(std::unique_ptr<WritableBucket> bucket) : bucket_(std::move(bucket)) {}

  ObjectStore& store() override { return bucket_->store(); }
  void Put(const std::string& key, const std::string& bytes) override {
    const absl::Status status = bucket_->Put(key, bytes);
    ASSERT_TRUE(status.ok()) << status;
  }
  void Delete(const std::string& key) override {
    const absl::Status status = bucket_->Delete(key);
    ASSERT_TRUE(status.ok()) << status;
  }
  std::string Root() override { return root_; }
  // A gateway in front of a file system.
  bool AnyKey() override {
    return !ReadEnvironmentFlag(ProcessEnvironment(), "TFSR_TEST_S3_KEYS_ARE_PATHS")
                .value_or(false);
  }

 private:
  static std::string NextRoot() {
    static std::atomic<int> next{0};
    return absl::StrCat("run", absl::ToUnixMicros(absl::Now()), "/", next++, "/");
  }

  const std::unique_ptr<WritableBucket> bucket_;
  const std::string root_ = NextRoot();
};

S3Options OptionsFor(const std::string& endpoint) {
  S3Options options;
  options.endpoint = endpoint;
  options.static_credentials.emplace();
  options.static_credentials->access_key_id = "testkey";
  options.static_credentials->secret_access_key = "testsecret";
  return options;
}

std::unique_ptr<StoreUnderTest> MakeS3(const std::string& endpoint) {
  if (endpoint.empty()) return nullptr;
  auto bucket = S3Bucket(OptionsFor(endpoint), "wire", Http());
  static std::map<std::string, absl::Status>* const created =
      new std::map<std::string, absl::Status>;
  if (created->count(endpoint) == 0) (*created)[endpoint] = bucket->Create();
  return std::make_unique<BucketSubject>(std::move(bucket));
}

std::unique_ptr<StoreUnderTest> MakeGcs(const std::string& endpoint) {
  if (endpoint.empty()) return nullptr;
  GcsOptions options;
  options.endpoint = endpoint;
  options.anonymous = true;
  auto bucket = GcsBucket(options, "wire", Http());
  static std::map<std::string, absl::Status>* const created =
      new std::map<std::string, absl::Status>;
  if (created->count(endpoint) == 0) (*created)[endpoint] = bucket->Create();
  return std::make_unique<BucketSubject>(std::move(bucket));
}

INSTANTIATE_TEST_SUITE_P(
    Wire, ObjectStoreConformance,
    ::testing::Values(
        StoreFactory{"Moto", [](std::string& why_not) { return MakeS3(MotoEndpoint(why_not)); }},
        StoreFactory{"OtherS3",
                     [](std::string& why_not) {
                       return MakeS3(EndpointFromEnvironment("TFSR_TEST_S3_ENDPOINT", why_not));
                     }},
        StoreFactory{"FakeGcsServer",
                     [](std::string& why_not) { return MakeGcs(FakeGcsEndpoint(why_not)); }},
        StoreFactory{"OtherGcs",
                     [](std::string& why_not) {
                       return MakeGcs(EndpointFromEnvironment("TFSR_TEST_GCS_ENDPOINT", why_not));
                     }}),
    [](const ::testing::TestParamInfo<StoreFactory>& info) { return info.param.name; });

TEST(S3WireTest, AMissingBucketIsNotFound) {
  std::string why_not;
  const std::string endpoint = MotoEndpoint(why_not);
  if (endpoint.empty()) GTEST_SKIP() << why_not;
  const auto bucket = S3Bucket(OptionsFor(endpoint), "no-such-bucket", Http());
  const absl::Status status = bucket->store().List("", ListDepth::kOneLevel, {}).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("the bucket does not exist"));
}

// Needs a server that checks signatures; moto does not.
TEST(S3WireTest, AWrongSecretIsToldAsOne) {
  std::string why_not;
  const std::string endpoint = EndpointFromEnvironment("TFSR_TEST_S3_ENDPOINT", why_not);
  if (endpoint.empty()) GTEST_SKIP() << why_not;
  S3Options options = OptionsFor(endpoint);
  options.static_credentials->secret_access_key = "wrong";
  const absl::Status status = S3Bucket(options, "wire", Http())->store().Head("x", {}).status();
  EXPECT_FALSE(absl::IsNotFound(status)) << status;
  const absl::Status get = S3Bucket(options, "wire", Http())->store().ReadAll("x", 9, {}).status();
  EXPECT_TRUE(absl::IsUnauthenticated(get)) << get;
  EXPECT_THAT(std::string(get.message()), HasSubstr("AWS_SECRET_ACCESS_KEY"));
}

}  // namespace
}  // namespace tfserving_remote

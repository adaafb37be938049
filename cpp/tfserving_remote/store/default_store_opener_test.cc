// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/default_store_opener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tfserving_remote/testing/fake_clock.h"
#include "tfserving_remote/testing/recording_log.h"
#include "tfserving_remote/testing/scripted_http_client.h"

namespace tfserving_remote {
namespace {

class DefaultStoreOpenerTest : public ::testing::Test {
 protected:
  std::shared_ptr<ObjectStore> Open(const char* url) {
    const auto store = opener_->Open(*StorageUrl::Parse(url));
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *store : nullptr;
  }

  FakeClock clock_;
  RecordingLog log_;
  std::shared_ptr<ScriptedHttpClient> http_ = std::make_shared<ScriptedHttpClient>();
  const EnvironmentReader environment_ =
      FixedEnvironment({{"AWS_ENDPOINT_URL", "http://s3.test:9000"},
                        {"AWS_ACCESS_KEY_ID", "id"},
                        {"AWS_SECRET_ACCESS_KEY", "secret"},
                        {"STORAGE_EMULATOR_HOST", "gcs.test:9023"}});
  std::shared_ptr<StoreOpener> opener_ = *CreateStoreOpener(
      *StoreOptions::FromEnvironment(environment_), StoreEnv{http_, http_, clock_, log_});
};

TEST_F(DefaultStoreOpenerTest, OneStorePerSchemeAndBucket) {
  EXPECT_EQ(Open("s3://b/m"), Open("s3://b/other"));
  EXPECT_NE(Open("s3://b/m"), Open("s3://c/m"));
  EXPECT_NE(Open("s3://b/m"), Open("gs://b/m"));
  EXPECT_EQ(Open("/models/a"), Open("file:///models/b"));
}

TEST_F(DefaultStoreOpenerTest, EachSchemeGoesToItsOwnStore) {
  http_->On("HEAD http://s3.test:9000/b/k",
            {200, {{"ETag", "\"e\""}, {"Content-Length", "8"}}, "", {}});
  http_->On(
      "GET http://gcs.test:9023/storage/v1/b/b/o/k?"
      "fields=name%2Csize%2Cgeneration%2CcontentEncoding",
      {200, {}, R"({"name":"k","size":"9","generation":"1"})", {}});
  EXPECT_EQ(Open("s3://b")->Head("k", {})->size, 8u);
  EXPECT_EQ(Open("gs://b")->Head("k", {})->size, 9u);
  EXPECT_TRUE(absl::IsNotFound(Open("/")->Head("/no/such/file", {}).status()));
}

TEST_F(DefaultStoreOpenerTest, LogsWhichVariablesWereTakenAndNoSecret) {
  EXPECT_EQ(log_.Count("AWS_ENDPOINT_URL"), 1);
  EXPECT_EQ(log_.Count("STORAGE_EMULATOR_HOST"), 1);
  EXPECT_EQ(log_.Count("secret"), 0);
}

TEST_F(DefaultStoreOpenerTest, UnknownSchemesAreRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(opener_->Open({"ftp", "b", "k"}).status()));
}

}  // namespace
}  // namespace tfserving_remote

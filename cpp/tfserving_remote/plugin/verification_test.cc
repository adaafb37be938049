// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/plugin/verification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/testing/test_signer.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;

class VerificationTest : public ::testing::Test {
 protected:
  VerificationTest() { std::filesystem::create_directories(folder_); }
  ~VerificationTest() override { std::filesystem::remove_all(folder_); }

  std::string Put(const std::string& name, const std::string& text) {
    const std::string path = absl::StrCat(folder_, "/", name);
    std::ofstream(path) << text;
    return path;
  }
  void ExpectRefused(const VerificationOptions& options, absl::string_view what) {
    const absl::Status status = ApplyVerification(options, reader_);
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
    EXPECT_EQ(reader_.trusted_keys, nullptr);
  }

  const std::string folder_ = absl::StrCat(
      ::testing::TempDir(), "/", ::testing::UnitTest::GetInstance()->current_test_info()->name());
  VersionReaderOptions reader_;
};

TEST_F(VerificationTest, ChecksCrc32cUnlessToldToCheckMore) {
  EXPECT_EQ(ApplyVerification({}, reader_), absl::OkStatus());
  EXPECT_FALSE(reader_.check_sha256);
  EXPECT_EQ(reader_.trusted_keys, nullptr);
  EXPECT_EQ(ApplyVerification({"SHA256", {}}, reader_), absl::OkStatus());
  EXPECT_TRUE(reader_.check_sha256);
  EXPECT_EQ(ApplyVerification({"crc32c", {}}, reader_), absl::OkStatus());
  EXPECT_FALSE(reader_.check_sha256);
}

TEST_F(VerificationTest, TrustsTheKeysOfAllFiles) {
  const TestSigner one;
  const TestSigner two("P-384");
  const TestSigner three;
  const std::string both = Put("both", absl::StrCat(one.PublicPem(), two.PublicPem()));
  const std::string last = Put("last", three.PublicPem());
  ASSERT_EQ(ApplyVerification({"", {both, last}}, reader_), absl::OkStatus());
  EXPECT_TRUE(reader_.check_sha256);
  for (const TestSigner* signer : {&one, &two, &three}) {
    EXPECT_TRUE(reader_.trusted_keys->Has(signer->Id()));
  }
}

TEST_F(VerificationTest, RefusesFilesThatHoldNoKeys) {
  const std::string good = Put("good", TestSigner().PublicPem());
  const std::string secret = Put("secret", TestSigner().PrivatePem());
  ExpectRefused({"", {good, folder_ + "/nothing"}}, "nothing: No such file");
  ExpectRefused({"", {good, folder_}}, "Is a directory");
  ExpectRefused({"", {good, ""}}, "No such file");
  ExpectRefused({"", {good, Put("empty", "")}}, "empty: has no PEM block");
  ExpectRefused({"", {good, secret}}, "secret: key 1: is a private key");
  ExpectRefused({"", {good, Put("huge", std::string(3 << 20, 'x'))}}, "huge: has 2097152 bytes");
}

TEST_F(VerificationTest, RefusesOptionsThatContradictEachOther) {
  const std::string key = Put("key", TestSigner().PublicPem());
  ExpectRefused({"MD5", {}}, "CRC32C or SHA256, not \"MD5\"");
  ExpectRefused({"CRC32C", {key}}, "trusted keys need SHA256");
  reader_.manifest_mode = ManifestMode::kIgnored;
  ExpectRefused({"", {key}}, "manifests are ignored");
  ExpectRefused({"SHA256", {}}, "manifests are ignored");
  EXPECT_EQ(ApplyVerification({"CRC32C", {}}, reader_), absl::OkStatus());
}

}  // namespace
}  // namespace tfserving_remote

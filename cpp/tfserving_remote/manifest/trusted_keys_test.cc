// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/manifest/trusted_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tfserving_remote/testing/test_signer.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(absl::string_view pem) {
  const absl::StatusOr<TrustedKeys> keys = TrustedKeys::FromPem(pem);
  if (keys.ok()) return "none";
  EXPECT_TRUE(absl::IsInvalidArgument(keys.status())) << keys.status();
  return std::string(keys.status().message());
}

std::string RsaPem() {
  EVP_PKEY* const key = EVP_RSA_gen(2048);
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key);
  char* text = nullptr;
  const auto length = static_cast<size_t>(BIO_get_mem_data(bio, &text));
  std::string pem(text, length);
  BIO_free(bio);
  EVP_PKEY_free(key);
  return pem;
}

TEST(TrustedKeysTest, ReadsKeysOfEachCurveFromOneText) {
  const TestSigner signers[] = {TestSigner("P-256"), TestSigner("P-384"), TestSigner("P-521")};
  std::string pem = "Whose keys these are.\n";
  for (const TestSigner& signer : signers) absl::StrAppend(&pem, signer.PublicPem(), "\n");
  const absl::StatusOr<TrustedKeys> keys = TrustedKeys::FromPem(pem);
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(keys->size(), 3);
  for (const TestSigner& signer : signers) {
    EXPECT_TRUE(keys->Has(signer.Id()));
    EXPECT_THAT(keys->Describe(), HasSubstr(signer.Id().substr(0, 12)));
  }
  EXPECT_FALSE(keys->Has(TestSigner().Id()));
  EXPECT_FALSE(keys->Has(""));
}

TEST(TrustedKeysTest, AddsThoseOfAnotherText) {
  const TestSigner one;
  const TestSigner two;
  TrustedKeys keys = *TrustedKeys::FromPem(one.PublicPem());
  keys.Add(*TrustedKeys::FromPem(two.PublicPem()));
  EXPECT_EQ(keys.size(), 2);
  EXPECT_TRUE(keys.Has(one.Id()));
  EXPECT_TRUE(keys.Has(two.Id()));
}

TEST(TrustedKeysTest, RefusesWhatIsNoPublicKey) {
  const TestSigner signer;
  EXPECT_THAT(ErrorOf(""), HasSubstr("no PEM block"));
  EXPECT_THAT(ErrorOf("text"), HasSubstr("no PEM block"));
  EXPECT_THAT(ErrorOf(signer.PrivatePem()), HasSubstr("key 1: is a private key"));
  EXPECT_THAT(ErrorOf(absl::StrCat(signer.PublicPem(), signer.PrivatePem())),
              HasSubstr("key 2: is a private key"));
  EXPECT_THAT(ErrorOf(absl::StrReplaceAll(signer.PublicPem(), {{"PUBLIC KEY", "CERTIFICATE"}})),
              HasSubstr("key 1: is a CERTIFICATE, no PUBLIC KEY"));
  EXPECT_THAT(ErrorOf(std::string((1 << 20) + 1, 'x')), HasSubstr("at most 1048576"));
}

TEST(TrustedKeysTest, RefusesOtherKindsOfKeys) {
  for (const std::string& pem :
       {RsaPem(), TestSigner("secp256k1").PublicPem(), TestSigner("brainpoolP256r1").PublicPem()}) {
    EXPECT_THAT(ErrorOf(pem), HasSubstr("key 1: is no elliptic curve key on P-256"));
  }
}

TEST(TrustedKeysTest, RefusesABrokenKeyAfterAGoodOne) {
  const std::string pem = TestSigner().PublicPem();
  EXPECT_THAT(ErrorOf(absl::StrCat(pem, pem.substr(0, pem.size() / 2))), HasSubstr("key 2: "));
  std::string off_curve = pem;
  char& digit = off_curve[off_curve.find("-----END") - 6];  // of the point's last bytes
  digit = digit == 'A' ? 'B' : 'A';
  EXPECT_THAT(ErrorOf(off_curve), HasSubstr("key 1: is no elliptic curve key"));
}

}  // namespace
}  // namespace tfserving_remote

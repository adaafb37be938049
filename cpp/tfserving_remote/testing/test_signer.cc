// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/testing/test_signer.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include <functional>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/manifest/digest.h"

namespace tfserving_remote {
namespace {

using nlohmann::json;

constexpr char kPayloadType[] = "application/vnd.in-toto+json";

std::string Written(const std::function<int(BIO*)>& write) {
  BIO* const bio = BIO_new(BIO_s_mem());
  CHECK_EQ(write(bio), 1);
  char* text = nullptr;
  const auto length = static_cast<size_t>(BIO_get_mem_data(bio, &text));
  std::string result(text, length);
  BIO_free(bio);
  return result;
}

const EVP_MD* DigestFor(const EVP_PKEY* key) {
  if (EVP_PKEY_bits(key) <= 256) return EVP_sha256();
  return EVP_PKEY_bits(key) <= 384 ? EVP_sha384() : EVP_sha512();
}

}  // namespace

TestSigner::TestSigner(const char* curve) : key_(EVP_EC_gen(curve)) { CHECK(key_ != nullptr); }

std::string TestSigner::PublicPem() const {
  return Written([this](BIO* bio) { return PEM_write_bio_PUBKEY(bio, key_.get()); });
}

std::string TestSigner::PrivatePem() const {
  return Written([this](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string TestSigner::Id() const { return ToHex(Sha256(PublicPem())); }

std::string TestSigner::Sign(absl::string_view manifest_text) const {
  return Bundle(Statement(manifest_text).dump()).dump();
}

json TestSigner::Statement(absl::string_view manifest_text) {
  const json manifest = json::parse(manifest_text.begin(), manifest_text.end());
  json resources = json::array();
  for (const json& file : manifest["files"]) {
    resources.push_back(
        {{"name", file["path"]}, {"algorithm", "sha256"}, {"digest", file["sha256"]}});
  }
  const json covered = {
      {"name", "manifest.json"}, {"algorithm", "sha256"}, {"digest", ToHex(Sha256(manifest_text))}};
  json statement = {{"_type", "https://in-toto.io/Statement/v1"},
                    {"subject", {{{"name", "model"}}}},
                    {"predicateType", "https://model_signing/signature/v1.0"},
                    {"predicate",
                     {{"serialization",
                       {{"method", "files"}, {"hash_type", "sha256"}, {"allow_symlinks", false}}},
                      {"resources", std::move(resources)},
                      {"tfserving_remote", {{"manifest", covered}}}}}};
  UpdateSubject(statement);
  return statement;
}

void TestSigner::UpdateSubject(json& statement) {
  std::string digests;
  for (const json& resource : statement["predicate"]["resources"]) {
    Sha256Digest digest = {};
    CHECK(FromHex(resource["digest"].get<std::string>(), absl::MakeSpan(digest)));
    digests.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  statement["subject"][0]["digest"] = {{"sha256", ToHex(Sha256(digests))}};
}

json TestSigner::Bundle(absl::string_view payload) const {
  const std::string message = absl::StrCat("DSSEv1 ", sizeof(kPayloadType) - 1, " ", kPayloadType,
                                           " ", payload.size(), " ", payload);
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  CHECK_EQ(EVP_DigestSignInit(context, nullptr, DigestFor(key_.get()), nullptr, key_.get()), 1);
  std::string proof(EVP_PKEY_size(key_.get()), '\0');
  size_t length = proof.size();
  CHECK_EQ(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(proof.data()), &length,
                          reinterpret_cast<const unsigned char*>(message.data()), message.size()),
           1);
  proof.resize(length);
  EVP_MD_CTX_free(context);
  return {
      {"mediaType", "application/vnd.dev.sigstore.bundle.v0.3+json"},
      {"verificationMaterial", {{"publicKey", {{"hint", Id()}}}, {"tlogEntries", json::array()}}},
      {"dsseEnvelope",
       {{"payload", absl::Base64Escape(payload)},
        {"payloadType", kPayloadType},
        {"signatures", {{{"sig", absl::Base64Escape(proof)}, {"keyid", ""}}}}}}};
}

}  // namespace tfserving_remote

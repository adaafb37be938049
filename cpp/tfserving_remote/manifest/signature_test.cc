// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/manifest/signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/testing/test_signer.h"

namespace tfserving_remote {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// Made by the Python package: testing/make_signed_version.py.
std::string ReadFixture(const std::string& name) {
  std::ifstream file(absl::StrCat(TFSR_MANIFEST_TESTDATA, "/", name), std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  EXPECT_FALSE(bytes.str().empty()) << name;
  return bytes.str();
}

json File(const std::string& path, char digit) {
  const json chunk = {{"crc32c", "0123abcd"}, {"sha256", std::string(64, digit)}};
  return {{"path", path},
          {"size", 5},
          {"sha256", std::string(64, digit)},
          {"chunks", json::array({chunk})}};
}

std::string ManifestText() {
  return json({{"schema_version", 1},
               {"version", 3},
               {"created_at", "2026-01-31T12:00:00Z"},
               {"chunk_size", 65536},
               {"total_size", 10},
               {"files", {File("assets/ü", 'a'), File("saved_model.pb", 'b')}}})
      .dump();
}

TrustedKeys KeysOf(const TestSigner& signer) { return *TrustedKeys::FromPem(signer.PublicPem()); }

// All that a reader of a version checks.
absl::Status Check(absl::string_view signature, const std::string& manifest_text,
                   const TrustedKeys& keys) {
  const absl::StatusOr<SignedFiles> files = VerifySignature(signature, manifest_text, keys);
  if (!files.ok()) return files.status();
  return CheckSignedFiles(*files, *ParseManifest(manifest_text));
}

class SignatureTest : public ::testing::Test {
 protected:
  // The verdict on a signature that the trusted key made over a changed statement.
  absl::Status AfterStatement(const std::function<void(json&)>& change) const {
    json statement = TestSigner::Statement(manifest_);
    change(statement);
    return Check(signer_.Bundle(statement.dump()).dump(), manifest_, keys_);
  }
  absl::Status AfterBundle(const std::function<void(json&)>& change) const {
    json bundle = json::parse(signer_.Sign(manifest_));
    change(bundle);
    return Check(bundle.dump(), manifest_, keys_);
  }
  static void ExpectMalformed(const absl::Status& status, absl::string_view what) {
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr(what));
  }
  static void ExpectRefused(const absl::Status& status, absl::string_view what) {
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr(what));
  }

  const std::string manifest_ = ManifestText();
  const TestSigner signer_;
  const TrustedKeys keys_ = KeysOf(signer_);
};

TEST_F(SignatureTest, AcceptsWhatPythonSignsOnEachCurve) {
  for (const char* version : {"1", "2", "3"}) {
    const TrustedKeys keys = *TrustedKeys::FromPem(ReadFixture(absl::StrCat(version, ".pub")));
    const std::string manifest = ReadFixture(absl::StrCat(version, ".manifest.json"));
    const std::string signature = ReadFixture(absl::StrCat(version, ".manifest.sig"));
    EXPECT_EQ(Check(signature, manifest, keys), absl::OkStatus()) << version;
    const absl::StatusOr<SignedFiles> files = VerifySignature(signature, manifest, keys);
    ASSERT_TRUE(files.ok());
    EXPECT_EQ(files->size(), 5);
    EXPECT_EQ(files->at("saved_model.pb"), Sha256("graph"));
  }
}

TEST_F(SignatureTest, NoChangedByteOfAFileMakesItSayAnythingElse) {
  const TrustedKeys keys = *TrustedKeys::FromPem(ReadFixture("1.pub"));
  const std::string manifest = ReadFixture("1.manifest.json");
  const std::string signature = ReadFixture("1.manifest.sig");
  const absl::StatusOr<SignedFiles> expected = VerifySignature(signature, manifest, keys);
  ASSERT_TRUE(expected.ok());
  for (size_t i = 0; i < signature.size(); ++i) {
    std::string changed = signature;
    changed[i] ^= 1;
    // A key id or a name that nobody reads may change; what was signed may not.
    const absl::StatusOr<SignedFiles> files = VerifySignature(changed, manifest, keys);
    EXPECT_TRUE(!files.ok() || *files == *expected) << i;
  }
  for (size_t i = 0; i < manifest.size(); ++i) {
    std::string changed = manifest;
    changed[i] ^= 1;
    ExpectRefused(VerifySignature(signature, changed, keys).status(), "was made for a manifest");
  }
}

TEST_F(SignatureTest, AcceptsEachOfSeveralKeysWithTheirIdsOrWithout) {
  const TestSigner other("P-384");
  TrustedKeys keys = KeysOf(other);
  keys.Add(keys_);
  for (const TestSigner* signer : {&signer_, &other}) {
    EXPECT_EQ(Check(signer->Sign(manifest_), manifest_, keys), absl::OkStatus());
    json unnamed = json::parse(signer->Sign(manifest_));
    unnamed["verificationMaterial"]["publicKey"].erase("hint");
    EXPECT_EQ(Check(unnamed.dump(), manifest_, keys), absl::OkStatus());
    unnamed["verificationMaterial"]["publicKey"]["hint"] = "a name of another kind";
    EXPECT_EQ(Check(unnamed.dump(), manifest_, keys), absl::OkStatus());
  }
}

TEST_F(SignatureTest, RefusesAnotherKeyWhateverItCallsItself) {
  const TestSigner stranger;
  json signature = json::parse(stranger.Sign(manifest_));
  ExpectRefused(Check(signature.dump(), manifest_, keys_),
                absl::StrCat("was made with another key (", stranger.Id().substr(0, 12)));
  signature["verificationMaterial"]["publicKey"]["hint"] = signer_.Id();
  ExpectRefused(Check(signature.dump(), manifest_, keys_), "is wrong: its content is not what");
  signature["verificationMaterial"]["publicKey"].erase("hint");
  ExpectRefused(Check(signature.dump(), manifest_, keys_), "another key (unnamed)");
  ExpectRefused(Check(signer_.Sign(manifest_), manifest_, TrustedKeys()), "another key");
}

TEST_F(SignatureTest, RefusesAnotherPayloadUnderTheSameProof) {
  ExpectRefused(AfterBundle([](json& bundle) {
                  bundle["dsseEnvelope"]["payload"] = absl::Base64Escape("{}");
                }),
                "is wrong");
  ExpectRefused(AfterBundle([](json& bundle) {
                  bundle["dsseEnvelope"]["signatures"][0]["sig"] = absl::Base64Escape("proof");
                }),
                "is wrong");
  ExpectRefused(
      AfterBundle([](json& bundle) { bundle["dsseEnvelope"]["signatures"][0]["sig"] = ""; }),
      "is wrong");
}

TEST_F(SignatureTest, RefusesTheSignatureOfAnotherManifest) {
  json other = json::parse(manifest_);
  other["version"] = 4;
  ExpectRefused(Check(signer_.Sign(manifest_), other.dump(), keys_),
                "was made for a manifest with the sha256 ");
  // Chunks are what loads are checked by; the digests of whole files say nothing about them.
  other = json::parse(manifest_);
  other["files"][0]["chunks"][0]["sha256"] = std::string(64, 'f');
  ExpectRefused(Check(signer_.Sign(manifest_), other.dump(), keys_), "was made for a manifest");
}

TEST_F(SignatureTest, RefusesOneThatDoesNotCoverTheManifest) {
  ExpectRefused(
      AfterStatement([](json& statement) { statement["predicate"].erase("tfserving_remote"); }),
      "not its manifest");
  ExpectMalformed(AfterStatement([](json& statement) {
                    statement["predicate"]["tfserving_remote"] = json::object();
                  }),
                  "manifest: is missing");
  ExpectMalformed(AfterStatement([](json& statement) {
                    statement["predicate"]["tfserving_remote"]["manifest"]["algorithm"] = "md5";
                  }),
                  "algorithm: is \"md5\", not sha256");
}

TEST_F(SignatureTest, RefusesOtherFilesThanTheManifestLists) {
  const auto with_resources = [this](const std::function<void(json&)>& change) {
    return AfterStatement([&change](json& statement) {
      change(statement["predicate"]["resources"]);
      TestSigner::UpdateSubject(statement);
    });
  };
  ExpectRefused(with_resources([](json& files) { files.erase(1); }),
                "does not cover \"saved_model.pb\"");
  ExpectRefused(with_resources([](json& files) { files[0]["name"] = "other"; }),
                "does not cover \"assets/");
  ExpectRefused(with_resources([](json& files) { files[1]["digest"] = std::string(64, 'c'); }),
                "covers \"saved_model.pb\" with the sha256 cccc");
  ExpectRefused(with_resources([](json& files) {
                  files.push_back(files[0]);
                  files[2]["name"] = "more";
                }),
                "covers 3 files, but the manifest lists 2");
  ExpectMalformed(with_resources([](json& files) { files[1] = files[0]; }), "stands there twice");
}

TEST_F(SignatureTest, RefusesOtherFormsOfStatement) {
  const auto set = [this](const json::json_pointer& where, const json& value) {
    return AfterStatement([&](json& statement) { statement[where] = value; });
  };
  ExpectMalformed(set("/_type"_json_pointer, "x"), "_type: is \"x\"");
  ExpectMalformed(set("/predicateType"_json_pointer, "https://model_signing/Digests/v0.1"),
                  "predicateType: is ");
  ExpectMalformed(set("/predicate/serialization/method"_json_pointer, "shards"), "method: is ");
  ExpectMalformed(set("/predicate/serialization/hash_type"_json_pointer, "blake3"), "hash_type: ");
  ExpectMalformed(set("/predicate/resources"_json_pointer, 1), "resources: must be an array");
  ExpectMalformed(set("/predicate/resources/0"_json_pointer, 1), "name: is missing");
  ExpectMalformed(set("/predicate/resources/0/algorithm"_json_pointer, "md5"), "algorithm: is ");
  ExpectMalformed(set("/predicate/resources/0/digest"_json_pointer, "AA"), "digest: must be 64");
  ExpectMalformed(set("/predicate/resources/0/name"_json_pointer, 1), "name: must be a string");
  ExpectMalformed(set("/subject"_json_pointer, json::array()), "subject: must be an array of one");
  ExpectMalformed(set("/subject/0/digest/sha256"_json_pointer, std::string(64, 'a')),
                  "not that of the resources");
}

TEST_F(SignatureTest, RefusesOtherFormsOfBundle) {
  const auto set = [this](const json::json_pointer& where, const json& value) {
    return AfterBundle([&](json& bundle) { bundle[where] = value; });
  };
  const json certificate = {{"certificate", {{"rawBytes", "MIIB"}}}};
  ExpectMalformed(set("/verificationMaterial"_json_pointer, certificate), "not made with a key");
  ExpectMalformed(set("/mediaType"_json_pointer, "x"), "mediaType: is \"x\"");
  ExpectMalformed(set("/dsseEnvelope"_json_pointer, 1), "dsseEnvelope.payloadType: is missing");
  ExpectMalformed(set("/dsseEnvelope/payloadType"_json_pointer, "text/plain"), "payloadType: is ");
  ExpectMalformed(set("/dsseEnvelope/payload"_json_pointer, "!"), "payload: is no base64");
  ExpectMalformed(set("/dsseEnvelope/payload"_json_pointer, 1), "payload: must be a string");
  ExpectMalformed(set("/dsseEnvelope/signatures"_json_pointer, json::array()), "array of one");
  ExpectMalformed(set("/dsseEnvelope/signatures/0/sig"_json_pointer, std::string(4000, 'A')),
                  "sig: is too long");
  ExpectMalformed(AfterBundle([](json& bundle) {
                    json& signatures = bundle["dsseEnvelope"]["signatures"];
                    signatures.push_back(signatures[0]);
                  }),
                  "signatures: must be an array of one");
}

TEST_F(SignatureTest, RefusesWhatIsNoJsonOrTooMuchOfIt) {
  for (const char* text : {"", "signed", "[]", "{", "null", "{\"mediaType\":1,\"mediaType\":1}"}) {
    ExpectMalformed(Check(text, manifest_, keys_), "is no model signature");
  }
  const std::string deep = std::string(20, '[') + std::string(20, ']');
  ExpectMalformed(Check(deep, manifest_, keys_), "nested deeper");
  ExpectMalformed(Check(signer_.Bundle(deep).dump(), manifest_, keys_), "payload: ");
  ExpectMalformed(Check(signer_.Bundle("{\"_type\":1,\"_type\":1}").dump(), manifest_, keys_),
                  "stands there twice");
  // Nobody vouches for the envelope, and each of these takes far more memory than text.
  ExpectMalformed(
      AfterBundle([](json& bundle) { bundle["more"] = json::array_t(1000, json::array()); }),
      "more than 1000 values");
  SignatureLimits small;
  small.max_bytes = 100;
  ExpectMalformed(VerifySignature(signer_.Sign(manifest_), manifest_, keys_, small).status(),
                  "at most 100");
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_TESTING_TEST_SIGNER_H_
#define TFSERVING_REMOTE_TESTING_TEST_SIGNER_H_

#include <openssl/evp.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/string_view.h"

namespace tfserving_remote {

/// A key pair of a test, and what its owner signs: as `tfserving-remote sign` does, or, layer by
/// layer, as it never would.
///
/// Units:    none.
/// Errors:   end the test.
/// Threads:  const calls from any thread.
/// Lifetime: a key lives as long as its signer.
class TestSigner {
 public:
  /// A new key: "P-256", "P-384", "P-521" or another curve that OpenSSL knows.
  explicit TestSigner(const char* curve = "P-256");

  std::string PublicPem() const;
  std::string PrivatePem() const;
  /// The SHA-256 of the public PEM.
  std::string Id() const;

  /// The whole signature of a manifest.
  std::string Sign(absl::string_view manifest_text) const;

  /// What a signature states of a manifest.
  static nlohmann::json Statement(absl::string_view manifest_text);
  /// Makes the digest of the subject that of the resources.
  static void UpdateSubject(nlohmann::json& statement);
  /// The bundle with any payload, signed.
  nlohmann::json Bundle(absl::string_view payload) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };

  const std::unique_ptr<EVP_PKEY, Free> key_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_TESTING_TEST_SIGNER_H_

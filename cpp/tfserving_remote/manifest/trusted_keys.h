// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_MANIFEST_TRUSTED_KEYS_H_
#define TFSERVING_REMOTE_MANIFEST_TRUSTED_KEYS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tfserving_remote {

/// The public keys whose owners may sign versions: ECDSA on P-256 (with SHA-256), P-384 (SHA-384)
/// or P-521 (SHA-512).
///
/// Units:    none.
/// Errors:   INVALID_ARGUMENT says which key of a text is wrong and why.
/// Threads:  const calls from any thread.
/// Lifetime: a plain value; copies share the keys.
class TrustedKeys {
 public:
  TrustedKeys() = default;

  /// Reads one or more "PUBLIC KEY" blocks, at most 1 MiB of text. A private key or a certificate
  /// among them is an error: the one does not belong where a server runs, the other says whom to
  /// trust in another way. Pure.
  static absl::StatusOr<TrustedKeys> FromPem(absl::string_view pem);

  /// Trusts those of `more`, too.
  void Add(const TrustedKeys& more);

  size_t size() const { return keys_.size(); }
  bool Has(absl::string_view id) const;
  /// "1f0c…, 77ab…": the ids, shortened, for messages.
  std::string Describe() const;
  /// An id as messages show it.
  static std::string Shorten(absl::string_view id);

  /// Whether one of the keys made `signature` (ECDSA in DER) over `message`. When one has the id
  /// `id`, no other is asked; "" asks all.
  bool Verify(absl::string_view message, absl::string_view signature, absl::string_view id) const;

 private:
  struct Key;

  std::vector<std::shared_ptr<const Key>> keys_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_MANIFEST_TRUSTED_KEYS_H_

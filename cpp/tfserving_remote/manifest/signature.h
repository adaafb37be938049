// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_MANIFEST_SIGNATURE_H_
#define TFSERVING_REMOTE_MANIFEST_SIGNATURE_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tfserving_remote/manifest/digest.h"
#include "tfserving_remote/manifest/manifest.h"
#include "tfserving_remote/manifest/trusted_keys.h"

namespace tfserving_remote {

/// Bounds of what VerifySignature reads; a signature comes from outside.
struct SignatureLimits {
  /// A signature of the largest manifest is about as large as the manifest.
  size_t max_bytes = 256 << 20;
  int max_depth = 16;
};

/// The SHA-256 of each file that a signature covers, by path.
using SignedFiles = std::map<std::string, Sha256Digest>;

/// Whether a trusted key has signed the manifest with these very bytes, and with it all chunk
/// digests: docs/manifest.md, "Signatures". `signature` is an OpenSSF model signature made with a
/// key. Nothing of it but its envelope is parsed before a key has vouched for it. Pure.
///
/// INVALID_ARGUMENT: it is no such signature; says which field and why. DATA_LOSS: it is one, but
/// of another key, of other content, or of another manifest; says which.
absl::StatusOr<SignedFiles> VerifySignature(absl::string_view signature,
                                            absl::string_view manifest_text,
                                            const TrustedKeys& keys,
                                            const SignatureLimits& limits = {});

/// Whether a signature covers exactly the files of its manifest, with the same digests, so that
/// whoever checks files by the one gets the same as whoever checks them by the other. DATA_LOSS
/// names the file. Pure.
absl::Status CheckSignedFiles(const SignedFiles& files, const Manifest& manifest);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_MANIFEST_SIGNATURE_H_

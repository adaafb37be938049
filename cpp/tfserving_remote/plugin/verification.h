// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_PLUGIN_VERIFICATION_H_
#define TFSERVING_REMOTE_PLUGIN_VERIFICATION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tfserving_remote {

/// How versions are checked before TensorFlow sees them.
///
/// Units:    none.
/// Errors:   ApplyVerification: INVALID_ARGUMENT for options that contradict each other and for a
///           file that holds no public keys, NOT_FOUND for one that cannot be read; names the file.
/// Threads:  a plain value.
/// Lifetime: a plain value.
struct VerificationOptions {
  /// "CRC32C", "SHA256", or "" for what trusted keys need.
  std::string digest;
  /// PEM files with public keys. With any, only versions that one of the keys has signed are read.
  std::vector<std::string> trusted_key_files;
};

/// Sets `reader`'s options; its manifest mode is there already. The files are read once, now.
absl::Status ApplyVerification(const VerificationOptions& options, VersionReaderOptions& reader);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_PLUGIN_VERIFICATION_H_

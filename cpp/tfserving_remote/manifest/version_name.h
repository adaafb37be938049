// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_MANIFEST_VERSION_NAME_H_
#define TFSERVING_REMOTE_MANIFEST_VERSION_NAME_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tfserving_remote {

/// How the bytes of a version are packed.
enum class VersionPacking { kFolder, kTar, kTarGz, kTarZst };

/// "" for a folder, else ".tar", ".tar.gz" or ".tar.zst".
absl::string_view PackingSuffix(VersionPacking packing);

/// The number of a version, from its name: ASCII digits alone, leading zeros allowed, up to 2^63
/// - 1. Upstream also takes a sign and white space around the number; both are no version here,
/// since two names of one number are a trap.
std::optional<int64_t> ParseVersionNumber(absl::string_view name);

/// The entry of a base path that holds a version: "0000001/", "7.tar.gz".
struct VersionName {
  int64_t number = 0;
  /// As it was found, without suffix or '/': "0000001".
  std::string name;
  VersionPacking packing = VersionPacking::kFolder;

  /// `entry` is one name below the base path; a folder has its trailing '/'.
  static std::optional<VersionName> Parse(absl::string_view entry);
  /// The name as a StoragePath ends with it: "0000001", "7.tar.gz".
  std::string PathName() const;
};

/// "<name>.manifest.json".
std::string ManifestName(absl::string_view version_name);
/// The version name of a manifest's name; nothing for other names.
std::optional<std::string> ParseManifestName(absl::string_view entry);

/// "<name>.manifest.sig".
std::string SignatureName(absl::string_view version_name);
/// The version name of a signature's name; nothing for other names.
std::optional<std::string> ParseSignatureName(absl::string_view entry);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_MANIFEST_VERSION_NAME_H_

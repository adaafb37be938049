// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/plugin/verification.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/manifest/trusted_keys.h"

namespace tfserving_remote {
namespace {

// TrustedKeys takes less, and says so.
constexpr size_t kMaxFileBytes = 2 << 20;

absl::StatusOr<TrustedKeys> ReadKeys(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string pem(kMaxFileBytes, '\0');
  if (file) file.read(pem.data(), static_cast<std::streamsize>(pem.size()));
  // A folder opens and does not read.
  if (!file && !file.eof()) {
    return absl::NotFoundError(absl::StrCat("trusted keys ", path, ": ", std::strerror(errno)));
  }
  pem.resize(static_cast<size_t>(file.gcount()));
  absl::StatusOr<TrustedKeys> keys = TrustedKeys::FromPem(pem);
  if (keys.ok()) return keys;
  return absl::InvalidArgumentError(
      absl::StrCat("trusted keys ", path, ": ", keys.status().message()));
}

absl::StatusOr<std::shared_ptr<const TrustedKeys>> ReadAllKeys(
    const std::vector<std::string>& paths) {
  auto all = std::make_shared<TrustedKeys>();
  for (const std::string& path : paths) {
    const absl::StatusOr<TrustedKeys> keys = ReadKeys(path);
    if (!keys.ok()) return keys.status();
    all->Add(*keys);
  }
  return all;
}

}  // namespace

absl::Status ApplyVerification(const VerificationOptions& options, VersionReaderOptions& reader) {
  const std::string digest = absl::AsciiStrToUpper(options.digest);
  if (digest != "" && digest != "CRC32C" && digest != "SHA256") {
    return absl::InvalidArgumentError(
        absl::StrCat("verification takes CRC32C or SHA256, not \"", options.digest, "\""));
  }
  const bool has_keys = !options.trusted_key_files.empty();
  if (reader.manifest_mode == ManifestMode::kIgnored && (has_keys || digest == "SHA256")) {
    return absl::InvalidArgumentError(
        "manifests are ignored, but trusted keys and SHA256 verification need them; take required "
        "or preferred");
  }
  if (has_keys && digest == "CRC32C") {
    return absl::InvalidArgumentError(
        "trusted keys need SHA256 verification: a crc32c can be made to match");
  }
  reader.check_sha256 = has_keys || digest == "SHA256";
  if (!has_keys) return absl::OkStatus();
  absl::StatusOr<std::shared_ptr<const TrustedKeys>> keys = ReadAllKeys(options.trusted_key_files);
  if (!keys.ok()) return keys.status();
  reader.trusted_keys = *std::move(keys);
  return absl::OkStatus();
}

}  // namespace tfserving_remote

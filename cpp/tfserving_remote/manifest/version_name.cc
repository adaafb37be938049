// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/manifest/version_name.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tfserving_remote {
namespace {

constexpr absl::string_view kManifestSuffix = ".manifest.json";
constexpr absl::string_view kSignatureSuffix = ".manifest.sig";

std::optional<std::string> ParseNameWith(absl::string_view suffix, absl::string_view entry) {
  if (!absl::ConsumeSuffix(&entry, suffix)) return std::nullopt;
  if (!ParseVersionNumber(entry).has_value()) return std::nullopt;
  return std::string(entry);
}

}  // namespace

absl::string_view PackingSuffix(VersionPacking packing) {
  switch (packing) {
    case VersionPacking::kFolder:
      return "";
    case VersionPacking::kTar:
      return ".tar";
    case VersionPacking::kTarGz:
      return ".tar.gz";
    case VersionPacking::kTarZst:
      return ".tar.zst";
  }
  return "";
}

std::optional<int64_t> ParseVersionNumber(absl::string_view name) {
  if (name.empty()) return std::nullopt;
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  int64_t number = 0;
  for (char c : name) {
    if (c < '0' || c > '9') return std::nullopt;
    const int64_t digit = c - '0';
    if (number > (kMax - digit) / 10) return std::nullopt;
    number = 10 * number + digit;
  }
  return number;
}

std::optional<VersionName> VersionName::Parse(absl::string_view entry) {
  VersionName version;
  if (absl::ConsumeSuffix(&entry, "/")) {
    version.packing = VersionPacking::kFolder;
  } else if (absl::ConsumeSuffix(&entry, PackingSuffix(VersionPacking::kTar))) {
    version.packing = VersionPacking::kTar;
  } else if (absl::ConsumeSuffix(&entry, PackingSuffix(VersionPacking::kTarGz))) {
    version.packing = VersionPacking::kTarGz;
  } else if (absl::ConsumeSuffix(&entry, PackingSuffix(VersionPacking::kTarZst))) {
    version.packing = VersionPacking::kTarZst;
  } else {
    return std::nullopt;
  }
  const std::optional<int64_t> number = ParseVersionNumber(entry);
  if (!number.has_value()) return std::nullopt;
  version.number = *number;
  version.name = std::string(entry);
  return version;
}

std::string VersionName::PathName() const { return absl::StrCat(name, PackingSuffix(packing)); }

std::string ManifestName(absl::string_view version_name) {
  return absl::StrCat(version_name, kManifestSuffix);
}

std::optional<std::string> ParseManifestName(absl::string_view entry) {
  return ParseNameWith(kManifestSuffix, entry);
}

std::string SignatureName(absl::string_view version_name) {
  return absl::StrCat(version_name, kSignatureSuffix);
}

std::optional<std::string> ParseSignatureName(absl::string_view entry) {
  return ParseNameWith(kSignatureSuffix, entry);
}

}  // namespace tfserving_remote

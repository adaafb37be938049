// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SOURCE_BASE_LISTING_H_
#define TFSERVING_REMOTE_SOURCE_BASE_LISTING_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tfserving_remote/manifest/version_name.h"
#include "tfserving_remote/store/object_store.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tfserving_remote {

/// A version as one listing of the base path shows it: its folder or archive, its manifest, its
/// signature.
struct ListedVersion {
  VersionName name;
  /// Nothing for a folder.
  std::optional<ObjectInfo> archive;
  /// Nothing without one, and with ManifestMode::kIgnored.
  std::optional<ObjectInfo> manifest;
  /// Nothing without a manifest.
  std::optional<ObjectInfo> signature = std::nullopt;
};

/// Something below the base path that looks like a version but is not offered, and why.
struct VersionProblem {
  /// Name below the base path, safe to print: "0000003/", "7".
  std::string entry;
  /// With what to do about it.
  std::string reason;
  /// It may just not be complete yet; otherwise somebody has to do something.
  bool pending = false;

  friend bool operator==(const VersionProblem& a, const VersionProblem& b) {
    return a.entry == b.entry && a.reason == b.reason && a.pending == b.pending;
  }
};

/// What a listing of one level of a base path says about versions.
struct BaseListing {
  /// By number, each number once.
  std::map<int64_t, ListedVersion> versions;
  std::vector<VersionProblem> problems;
};

/// Sorts the entries of a base path into versions and problems. Pure.
///
/// `base_key` is the prefix that was listed. A number that appears twice (`01/` and `1/`, a folder
/// and an archive) is a version only when one of its entries has a manifest and the others have
/// none, or else when `offered`, the path names offered before by number, already tells which one
/// it is: what serves is never taken away because a second name turns up.
BaseListing ReadBaseListing(const Listing& listing, absl::string_view base_key, ManifestMode mode,
                            const std::map<int64_t, std::string>& offered);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SOURCE_BASE_LISTING_H_

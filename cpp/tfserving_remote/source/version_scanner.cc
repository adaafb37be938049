// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/version_scanner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/manifest/listing_fingerprint.h"

namespace tfserving_remote {
namespace {

std::string BaseKey(const StorageUrl& base) {
  if (base.key.empty() || absl::EndsWith(base.key, "/")) return base.key;
  return absl::StrCat(base.key, "/");
}

/// The objects below `folder_key`; `objects` are sorted by key.
std::vector<ObjectInfo> Below(absl::string_view folder_key,
                              const std::vector<ObjectInfo>& objects) {
  const auto first = std::lower_bound(
      objects.begin(), objects.end(), folder_key,
      [](const ObjectInfo& object, absl::string_view key) { return object.key < key; });
  const auto last = std::find_if(first, objects.end(), [folder_key](const ObjectInfo& object) {
    return !absl::StartsWith(object.key, folder_key);
  });
  return {first, last};
}

/// True when the store as a whole does not answer; its decorators have tried again already.
bool NextFaresNoBetter(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsCancelled(status);
}

}  // namespace

VersionScanner::VersionScanner(StoreOpener& opener, StorageUrl base, VersionTracker tracker)
    : opener_(opener),
      base_(std::move(base)),
      base_key_(BaseKey(base_)),
      tracker_(std::move(tracker)) {}

VersionScanner::Result VersionScanner::Scan(absl::Time now, const StoreCallOptions& options) {
  if (absl::Status status = OpenStore(); !status.ok()) return {std::move(status), {}};
  absl::StatusOr<Listing> listing = store_->List(base_key_, ListDepth::kOneLevel, options);
  if (!listing.ok()) return {std::move(listing).status(), {}};
  const std::vector<ListedVersion> to_list = tracker_.Observe(*listing, base_key_, now);
  const bool many = to_list.size() > kMaxFolderListings;
  return {absl::OkStatus(),
          many ? ScanEverything(to_list, now, options) : ScanFolders(to_list, now, options)};
}

absl::StatusOr<std::string> VersionScanner::Fingerprint(const ListedVersion& version,
                                                        const StoreCallOptions& options) {
  std::vector<ObjectInfo> objects;
  if (version.archive.has_value()) {
    objects.push_back(*version.archive);
  } else {
    if (absl::Status status = OpenStore(); !status.ok()) return status;
    absl::StatusOr<std::vector<ObjectInfo>> folder = ListFolder(FolderKey(version.name), options);
    if (!folder.ok()) return std::move(folder).status();
    objects = *std::move(folder);
  }
  if (version.manifest.has_value()) objects.push_back(*version.manifest);
  if (version.signature.has_value()) objects.push_back(*version.signature);
  return ListingFingerprint(objects);
}

absl::Status VersionScanner::OpenStore() {
  if (store_ != nullptr) return absl::OkStatus();
  absl::StatusOr<std::shared_ptr<ObjectStore>> store = opener_.Open(base_);
  if (!store.ok()) return std::move(store).status();
  store_ = *std::move(store);
  return absl::OkStatus();
}

std::string VersionScanner::FolderKey(const VersionName& name) const {
  return absl::StrCat(base_key_, name.name, "/");
}

absl::StatusOr<std::vector<ObjectInfo>> VersionScanner::ListFolder(
    const std::string& folder_key, const StoreCallOptions& options) {
  absl::StatusOr<Listing> listing = store_->List(folder_key, ListDepth::kRecursive, options);
  // A folder of files that has gone since the base path was listed is an empty one.
  if (absl::IsNotFound(listing.status())) return std::vector<ObjectInfo>();
  if (!listing.ok()) return std::move(listing).status();
  return std::move(listing->objects);
}

absl::Status VersionScanner::ScanFolders(const std::vector<ListedVersion>& versions, absl::Time now,
                                         const StoreCallOptions& options) {
  absl::Status first_error;
  for (const ListedVersion& version : versions) {
    const std::string folder_key = FolderKey(version.name);
    absl::StatusOr<std::vector<ObjectInfo>> objects = ListFolder(folder_key, options);
    if (objects.ok()) {
      tracker_.ObserveFolder(version, folder_key, *objects, now);
      continue;
    }
    first_error.Update(objects.status());
    if (NextFaresNoBetter(objects.status())) break;
  }
  return first_error;
}

absl::Status VersionScanner::ScanEverything(const std::vector<ListedVersion>& versions,
                                            absl::Time now, const StoreCallOptions& options) {
  absl::StatusOr<Listing> listing = store_->List(base_key_, ListDepth::kRecursive, options);
  if (!listing.ok()) return std::move(listing).status();
  for (const ListedVersion& version : versions) {
    const std::string folder_key = FolderKey(version.name);
    tracker_.ObserveFolder(version, folder_key, Below(folder_key, listing->objects), now);
  }
  return absl::OkStatus();
}

}  // namespace tfserving_remote

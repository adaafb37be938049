// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SOURCE_VERSION_SCANNER_H_
#define TFSERVING_REMOTE_SOURCE_VERSION_SCANNER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tfserving_remote/base/storage_url.h"
#include "tfserving_remote/source/version_tracker.h"
#include "tfserving_remote/store/object_store.h"
#include "tfserving_remote/store/store_opener.h"

namespace tfserving_remote {

/// Lists one base path and feeds a VersionTracker: the only part of this room that asks a store.
///
/// Cost of a scan: one listing of one level; for versions without a manifest that are not known to
/// be complete, one recursive listing each, or of the whole base path when there are many.
///
/// Units:    absl::Time.
/// Errors:   what the store says.
/// Threads:  one at a time; calls block until the store answers or they are cancelled.
/// Lifetime: `opener` outlives the scanner.
class VersionScanner {
 public:
  /// With more folders than this to look into, one listing of everything is cheaper.
  static constexpr size_t kMaxFolderListings = 8;

  struct Result {
    /// Of the base path. Unless it is OK the tracker has learnt nothing.
    absl::Status base;
    /// The first failure to list a version's folder; that version counts as not complete.
    absl::Status folders;
  };

  VersionScanner(StoreOpener& opener, StorageUrl base, VersionTracker tracker);

  Result Scan(absl::Time now, const StoreCallOptions& options);
  const VersionTracker& tracker() const { return tracker_; }

  /// ListingFingerprint of the objects that `version` consists of, its manifest and its signature
  /// included.
  absl::StatusOr<std::string> Fingerprint(const ListedVersion& version,
                                          const StoreCallOptions& options);

 private:
  absl::Status OpenStore();
  std::string FolderKey(const VersionName& name) const;
  absl::StatusOr<std::vector<ObjectInfo>> ListFolder(const std::string& folder_key,
                                                     const StoreCallOptions& options);
  absl::Status ScanFolders(const std::vector<ListedVersion>& versions, absl::Time now,
                           const StoreCallOptions& options);
  absl::Status ScanEverything(const std::vector<ListedVersion>& versions, absl::Time now,
                              const StoreCallOptions& options);

  // Constant after construction.
  StoreOpener& opener_;
  const StorageUrl base_;
  const std::string base_key_;

  std::shared_ptr<ObjectStore> store_;
  VersionTracker tracker_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SOURCE_VERSION_SCANNER_H_

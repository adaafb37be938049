// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_LOCAL_FOLDER_WALK_H_
#define TFSERVING_REMOTE_STORE_LOCAL_FOLDER_WALK_H_

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tfserving_remote/base/cancellation.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// Lists one folder, or it and all below, for LocalStore. Used once.
class FolderWalk {
 public:
  struct Limits {
    uint64_t max_objects;
    int max_depth;
  };

  /// `cancellation` may be null.
  FolderWalk(Limits limits, Cancellation* cancellation)
      : limits_(limits), cancellation_(cancellation) {}

  /// `folder` ends with '/'. Unsorted.
  absl::StatusOr<Listing> List(absl::string_view folder, ListDepth depth);

 private:
  using FolderId = std::pair<dev_t, ino_t>;

  absl::Status Visit(const std::string& folder, ListDepth depth);
  absl::Status VisitEntries(const std::string& folder, const std::vector<std::string>& names,
                            ListDepth depth);
  absl::Status VisitEntry(const std::string& path, ListDepth depth);

  const Limits limits_;
  Cancellation* const cancellation_;
  Listing listing_;
  // The folders from the first to the one being read: a link to one of them would never end.
  std::vector<FolderId> ancestors_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_LOCAL_FOLDER_WALK_H_

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/local/folder_walk.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/store/local/local_file.h"
#include "tfserving_remote/store/store_status.h"

namespace tfserving_remote {
namespace {

// The names in a folder, and which folder it is.
struct Folder {
  std::vector<std::string> names;
  dev_t device = 0;
  ino_t inode = 0;
};

absl::StatusOr<Folder> ReadFolder(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(path.c_str()), &closedir);
  if (stream == nullptr) return FileError("LIST", path, errno);
  struct stat facts;
  if (fstat(dirfd(stream.get()), &facts) != 0) return FileError("LIST", path, errno);
  Folder folder;
  folder.device = facts.st_dev;
  folder.inode = facts.st_ino;
  while (true) {
    errno = 0;
    const dirent* const entry = readdir(stream.get());
    if (entry == nullptr) break;
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") folder.names.emplace_back(name);
  }
  if (errno != 0) return FileError("LIST", path, errno);
  return folder;
}

}  // namespace

absl::StatusOr<Listing> FolderWalk::List(absl::string_view folder, ListDepth depth) {
  if (absl::Status status = Visit(std::string(folder), depth); !status.ok()) return status;
  return std::move(listing_);
}

absl::Status FolderWalk::Visit(const std::string& folder, ListDepth depth) {
  if (cancellation_ != nullptr && cancellation_->cancelled()) {
    return StoreError(absl::StatusCode::kCancelled, "LIST", folder, "cancelled");
  }
  if (ancestors_.size() > static_cast<size_t>(limits_.max_depth)) {
    return StoreError(absl::StatusCode::kResourceExhausted, "LIST", folder,
                      absl::StrCat("more than ", limits_.max_depth, " folders inside each other"));
  }
  const absl::StatusOr<Folder> read = ReadFolder(folder);
  if (!read.ok()) {
    // One that vanished since its parent was read is not there; the first one must be.
    if (absl::IsNotFound(read.status()) && !ancestors_.empty()) return absl::OkStatus();
    return read.status();
  }
  const FolderId id(read->device, read->inode);
  if (std::find(ancestors_.begin(), ancestors_.end(), id) != ancestors_.end()) {
    return absl::OkStatus();
  }
  ancestors_.push_back(id);
  absl::Status status = VisitEntries(folder, read->names, depth);
  ancestors_.pop_back();
  return status;
}

absl::Status FolderWalk::VisitEntries(const std::string& folder,
                                      const std::vector<std::string>& names, ListDepth depth) {
  for (const std::string& name : names) {
    if (absl::Status status = VisitEntry(folder + name, depth); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status FolderWalk::VisitEntry(const std::string& path, ListDepth depth) {
  struct stat facts;
  if (stat(path.c_str(), &facts) != 0) {
    // Gone since, or a link that leads nowhere or in a circle.
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return absl::OkStatus();
    return FileError("LIST", path, errno);
  }
  if (S_ISDIR(facts.st_mode)) {
    if (depth == ListDepth::kRecursive) return Visit(path + "/", depth);
    listing_.prefixes.push_back(path + "/");
  } else if (S_ISREG(facts.st_mode)) {
    absl::StatusOr<ObjectInfo> info = InfoOf(facts, "LIST", path);
    if (!info.ok()) return info.status();
    listing_.objects.push_back(*std::move(info));
  }
  if (listing_.objects.size() + listing_.prefixes.size() > limits_.max_objects) {
    return StoreError(absl::StatusCode::kResourceExhausted, "LIST", path,
                      absl::StrCat("more than ", limits_.max_objects,
                                   " files; is this the base path of a model?"));
  }
  return absl::OkStatus();
}

}  // namespace tfserving_remote

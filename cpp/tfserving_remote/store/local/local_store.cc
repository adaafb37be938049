// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/local/local_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/store/listing.h"
#include "tfserving_remote/store/local/folder_walk.h"
#include "tfserving_remote/store/local/local_file.h"
#include "tfserving_remote/store/store_status.h"

namespace tfserving_remote {
namespace {

// Between two looks at the cancellation.
constexpr size_t kPieceBytes = 8 << 20;

bool Cancelled(const StoreCallOptions& options) {
  return options.cancellation != nullptr && options.cancellation->cancelled();
}

absl::Status CheckKey(absl::string_view verb, absl::string_view key) {
  if (absl::StartsWith(key, "/") && !absl::StrContains(key, absl::string_view("\0", 1))) {
    return absl::OkStatus();
  }
  return StoreError(absl::StatusCode::kInvalidArgument, verb, key, "not an absolute path");
}

// Fills `into` from `offset`. OUT_OF_RANGE when the file ends before.
absl::Status ReadFully(const LocalFile& file, absl::string_view key, uint64_t offset,
                       absl::Span<char> into, const StoreCallOptions& options) {
  while (!into.empty()) {
    if (Cancelled(options)) {
      return StoreError(absl::StatusCode::kCancelled, "GET", key, "cancelled");
    }
    const ssize_t got = pread(file.descriptor(), into.data(), std::min(into.size(), kPieceBytes),
                              static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError("GET", key, errno);
    if (got == 0) {
      return StoreError(
          absl::StatusCode::kOutOfRange, "GET", key,
          absl::StrCat("the file ends at byte ", offset, ", before the range that was asked for"));
    }
    into.remove_prefix(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
  return absl::OkStatus();
}

absl::Status CheckTag(const LocalFile& file, absl::string_view key, absl::string_view tag) {
  const absl::StatusOr<ObjectInfo> info = file.Info("GET", key);
  if (!info.ok()) return info.status();
  if (info->tag == tag) return absl::OkStatus();
  return StoreError(absl::StatusCode::kFailedPrecondition, "GET", key,
                    "the file was changed or replaced since it was listed");
}

}  // namespace

absl::StatusOr<Listing> LocalStore::List(absl::string_view prefix, ListDepth depth,
                                         const StoreCallOptions& options) {
  if (absl::Status status = CheckListPrefix(prefix); !status.ok()) return status;
  if (absl::Status status = CheckKey("LIST", prefix); !status.ok()) return status;
  FolderWalk walk({options_.max_listed_objects, options_.max_depth}, options.cancellation);
  absl::StatusOr<Listing> listing = walk.List(prefix, depth);
  if (listing.ok()) Normalise(*listing);
  return listing;
}

absl::StatusOr<ObjectInfo> LocalStore::Head(absl::string_view key,
                                            const StoreCallOptions& options) {
  if (absl::Status status = CheckKey("HEAD", key); !status.ok()) return status;
  if (Cancelled(options)) {
    return StoreError(absl::StatusCode::kCancelled, "HEAD", key, "cancelled");
  }
  struct stat facts;
  if (stat(std::string(key).c_str(), &facts) != 0) return FileError("HEAD", key, errno);
  return InfoOf(facts, "HEAD", key);
}

absl::Status LocalStore::Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                              absl::Span<char> into, const StoreCallOptions& options) {
  if (absl::Status status = CheckKey("GET", key); !status.ok()) return status;
  if (tag.empty()) {
    return StoreError(absl::StatusCode::kInvalidArgument, "GET", key, "a read without a tag");
  }
  if (into.empty()) return absl::OkStatus();
  const absl::StatusOr<LocalFile> file = LocalFile::Open("GET", key);
  if (!file.ok()) return file.status();
  if (absl::Status status = CheckTag(*file, key, tag); !status.ok()) return status;
  const absl::Status read = ReadFully(*file, key, offset, into, options);
  // A file that was cut short meanwhile is told as changed, not as too short.
  if (absl::Status status = CheckTag(*file, key, tag); !status.ok()) return status;
  return read;
}

absl::StatusOr<ObjectStore::Content> LocalStore::ReadAll(absl::string_view key, uint64_t max_bytes,
                                                         const StoreCallOptions& options) {
  if (absl::Status status = CheckKey("GET", key); !status.ok()) return status;
  const absl::StatusOr<LocalFile> file = LocalFile::Open("GET", key);
  if (!file.ok()) return file.status();
  absl::StatusOr<ObjectInfo> info = file->Info("GET", key);
  if (!info.ok()) return info.status();
  if (info->size > max_bytes) {
    return StoreError(absl::StatusCode::kResourceExhausted, "GET", key,
                      absl::StrCat("has ", info->size, " bytes, more than ", max_bytes));
  }
  std::string bytes(info->size, '\0');
  const absl::Status read = ReadFully(*file, key, 0, absl::MakeSpan(bytes), options);
  if (absl::Status status = CheckTag(*file, key, info->tag); !status.ok()) {
    // Nobody named the object before, so reading it again is as good as reading it later.
    return StoreError(absl::StatusCode::kUnavailable, "GET", key, "changed while it was read");
  }
  if (!read.ok()) return read;
  return Content{*std::move(info), std::move(bytes)};
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/ranged_version.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

// Reads of more blocks than this are parallel by themselves and need nothing read ahead.
constexpr size_t kReadAheadPieces = 4;
// Files up to this many small files' size stay until the load is over: TensorFlow reads the
// variables' index once for every thread that restores.
constexpr uint64_t kKeptSmallFiles = 8;

std::vector<GriddedObject> Grid(const VersionContents& contents,
                                const VersionReaderOptions& options) {
  std::vector<GriddedObject> objects;
  objects.reserve(contents.objects.size());
  for (const PinnedObject& object : contents.objects) {
    objects.push_back({object,
                       PlanGrid(object.info.size, object.chunk_size, options.range_bytes,
                                options.small_file_bytes),
                       object.info.size <= kKeptSmallFiles * options.small_file_bytes});
  }
  return objects;
}

}  // namespace

// Counts the direct fetches of one read.
class RangedVersion::Latch {
 public:
  void Add() {
    absl::MutexLock lock(&mu_);
    ++pending_;
  }
  void Done(const absl::Status& status) {
    absl::MutexLock lock(&mu_);
    status_.Update(status);
    --pending_;
  }
  absl::Status Wait() {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(
        +[](int* pending) { return *pending == 0; }, &pending_));
    return status_;
  }

 private:
  absl::Mutex mu_;
  int pending_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
};

RangedVersion::RangedVersion(VersionContents contents, const VersionReaderOptions& options,
                             std::shared_ptr<TransferPool> pool)
    : contents_(std::move(contents)),
      objects_(Grid(contents_, options)),
      fetcher_(contents_.store, options.check_sha256, options.cache),
      stream_(pool->OpenStream()),
      cache_(objects_, fetcher_, *stream_) {}

RangedVersion::~RangedVersion() {
  Cancel();
  stream_.reset();  // transfers use the fetcher and the cache
}

absl::Status RangedVersion::FindMembersOnce() {
  absl::MutexLock lock(&mu_);
  if (found_) return absl::OkStatus();
  if (contents_.packing == VersionPacking::kFolder) {
    files_ = contents_.files;
    for (size_t i = 0; i < files_.size(); ++i) places_.push_back({i, 0});
  } else if (absl::Status found = FindMembers(); !found.ok()) {
    return found;
  }
  found_ = true;
  return absl::OkStatus();
}

absl::Status RangedVersion::FindMembers() {
  UnpackOptions options;
  options.packing = contents_.packing;
  options.version_name = contents_.name;
  absl::StatusOr<std::vector<TarMember>> members = IndexTar(
      options, objects_[0].grid.object_size,
      [this](uint64_t offset, absl::Span<char> into) { return ReadPieces(0, offset, into); });
  absl::Status status = members.status();
  if (status.ok() && contents_.manifest != nullptr) status = TakeListedMembers(*members);
  if (!status.ok()) {
    // What the store said names its URL; what the archive itself did wrong does not yet.
    if (absl::Status failed = fetcher_.status(); !failed.ok()) return failed;
    return fetcher_.Fail(
        absl::Status(status.code(), absl::StrCat(contents_.url, ": ", status.message())));
  }
  for (TarMember& member : *members) {
    files_.push_back({std::move(member.path), member.size});
    places_.push_back({0, member.offset});
  }
  return absl::OkStatus();
}

absl::Status RangedVersion::TakeListedMembers(std::vector<TarMember>& members) {
  std::vector<TarMember> listed;
  auto member = members.begin();
  for (const VersionFile& file : contents_.files) {
    while (member != members.end() && member->path < file.path) ++member;
    if (member == members.end() || member->path != file.path) {
      return absl::DataLossError(
          absl::StrCat("has no member \"", file.path, "\", although the manifest lists it"));
    }
    if (member->size != file.size) {
      return absl::DataLossError(absl::StrCat("member \"", file.path, "\" has ", member->size,
                                              " bytes, but the manifest says ", file.size));
    }
    listed.push_back(std::move(*member));
  }
  members = std::move(listed);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<VersionFile>> RangedVersion::Files() {
  if (absl::Status found = FindMembersOnce(); !found.ok()) return found;
  return files_;
}

absl::StatusOr<size_t> RangedVersion::Find(absl::string_view path) {
  if (absl::Status found = FindMembersOnce(); !found.ok()) return found;
  const auto found = std::lower_bound(
      files_.begin(), files_.end(), path,
      [](const VersionFile& file, absl::string_view wanted) { return file.path < wanted; });
  if (found == files_.end() || found->path != path) {
    return absl::NotFoundError(absl::StrCat(contents_.url, "/", path, ": no such file"));
  }
  return found - files_.begin();
}

absl::StatusOr<uint64_t> RangedVersion::FileSize(absl::string_view path) {
  const absl::StatusOr<size_t> file = Find(path);
  if (!file.ok()) return file.status();
  return files_[*file].size;
}

absl::Status RangedVersion::Read(absl::string_view path, uint64_t offset, absl::Span<char> into) {
  const absl::StatusOr<size_t> file = Find(path);
  if (!file.ok()) return file.status();
  const uint64_t size = files_[*file].size;
  if (offset > size || into.size() > size - offset) {
    return absl::InvalidArgumentError(absl::StrCat(contents_.url, "/", path, ": has ", size,
                                                   " bytes, not [", offset, ", ",
                                                   offset + into.size(), ")"));
  }
  return ReadPieces(places_[*file].object, places_[*file].offset + offset, into);
}

absl::Status RangedVersion::ReadPieces(size_t number, uint64_t offset, absl::Span<char> into) {
  const GriddedObject& object = objects_[number];
  const std::vector<ReadPiece> pieces = PlanRead(object.grid, offset, into.size());
  if (pieces.size() > 1) AdviseHugePages(into);
  Latch latch;
  std::vector<std::pair<ReadPiece, std::shared_ptr<BlockCache::Entry>>> cached;
  for (const ReadPiece& piece : pieces) {
    if (!piece.whole || !cache_.Claim(number, piece.block)) {
      cached.emplace_back(piece, cache_.Get(number, piece.block));
      continue;
    }
    latch.Add();
    const absl::Span<char> target = into.subspan(piece.range.offset - offset, piece.range.length);
    stream_->Submit(TransferUrgency::kDemand, [this, &object, &latch, piece, target] {
      latch.Done(fetcher_.Fetch(object.pinned, piece.range.offset, target));
    });
  }
  if (!cached.empty() && pieces.size() <= kReadAheadPieces) cache_.ReadAhead(cached.back().second);
  absl::Status status = CopyOut(cached, object, offset, into);
  // Also after a failure: transfers in progress write into the caller's memory.
  status.Update(latch.Wait());
  return status;
}

absl::Status RangedVersion::CopyOut(
    const std::vector<std::pair<ReadPiece, std::shared_ptr<BlockCache::Entry>>>& cached,
    const GriddedObject& object, uint64_t offset, absl::Span<char> into) {
  for (const auto& [piece, entry] : cached) {
    if (absl::Status status = entry->Wait(); !status.ok()) return status;
    const uint64_t in_block = piece.range.offset - object.grid.Block(piece.block).offset;
    std::memcpy(into.data() + (piece.range.offset - offset), entry->data() + in_block,
                piece.range.length);
    cache_.Consumed(entry, piece.range.length);
  }
  return absl::OkStatus();
}

StreamStats RangedVersion::stats() const {
  StreamStats stats;
  for (const VersionFile& file : contents_.files) stats.total_bytes += file.size;
  // A tar archive is hardly larger than its members.
  if (contents_.files.empty()) stats.total_bytes = contents_.objects[0].info.size;
  stats.fetched_bytes = fetcher_.fetched_bytes();
  stats.cached_bytes = fetcher_.cached_bytes();
  stats.requests = fetcher_.requests();
  return stats;
}

void RangedVersion::Cancel() {
  (void)fetcher_.Fail(absl::CancelledError(absl::StrCat(contents_.url, ": reading was cancelled")));
}

}  // namespace tfserving_remote

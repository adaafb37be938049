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
      fetcher_(contents_.store, options.check_sha256),
      stream_(pool->OpenStream()),
      cache_(objects_, fetcher_, *stream_) {}

RangedVersion::~RangedVersion() {
  Cancel();
  stream_.reset();  // transfers use the fetcher and the cache
}

absl::StatusOr<size_t> RangedVersion::Find(absl::string_view path) const {
  const auto found = std::lower_bound(
      contents_.files.begin(), contents_.files.end(), path,
      [](const VersionFile& file, absl::string_view wanted) { return file.path < wanted; });
  if (found == contents_.files.end() || found->path != path) {
    return absl::NotFoundError(absl::StrCat(contents_.url, "/", path, ": no such file"));
  }
  return found - contents_.files.begin();
}

absl::StatusOr<uint64_t> RangedVersion::FileSize(absl::string_view path) {
  const absl::StatusOr<size_t> file = Find(path);
  if (!file.ok()) return file.status();
  return contents_.files[*file].size;
}

absl::Status RangedVersion::Read(absl::string_view path, uint64_t offset, absl::Span<char> into) {
  const absl::StatusOr<size_t> file = Find(path);
  if (!file.ok()) return file.status();
  const uint64_t size = contents_.files[*file].size;
  if (offset > size || into.size() > size - offset) {
    return absl::InvalidArgumentError(absl::StrCat(contents_.url, "/", path, ": has ", size,
                                                   " bytes, not [", offset, ", ",
                                                   offset + into.size(), ")"));
  }
  return ReadPieces(*file, offset, into);
}

absl::Status RangedVersion::ReadPieces(size_t file, uint64_t offset, absl::Span<char> into) {
  const GriddedObject& object = objects_[file];
  const std::vector<ReadPiece> pieces = PlanRead(object.grid, offset, into.size());
  if (pieces.size() > 1) AdviseHugePages(into);
  Latch latch;
  std::vector<std::pair<ReadPiece, std::shared_ptr<BlockCache::Entry>>> cached;
  for (const ReadPiece& piece : pieces) {
    if (!piece.whole || !cache_.Claim(file, piece.block)) {
      cached.emplace_back(piece, cache_.Get(file, piece.block));
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
  stats.fetched_bytes = fetcher_.fetched_bytes();
  stats.requests = fetcher_.requests();
  return stats;
}

void RangedVersion::Cancel() {
  (void)fetcher_.Fail(absl::CancelledError(absl::StrCat(contents_.url, ": reading was cancelled")));
}

}  // namespace tfserving_remote

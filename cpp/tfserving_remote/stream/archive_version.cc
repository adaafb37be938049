// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/archive_version.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tfserving_remote {

class ArchiveVersion::Sink final : public MemberSink {
 public:
  explicit Sink(ArchiveVersion& version) : version_(version) {}

  absl::StatusOr<absl::Span<char>> Begin(const std::string& path, uint64_t size,
                                         uint64_t) override {
    const ManifestFile* listed = nullptr;
    if (version_.contents_.manifest != nullptr) {
      listed = FindListed(path);
      if (listed == nullptr) return absl::Span<char>();  // no part of the version
      if (listed->size != size) {
        return absl::DataLossError(absl::StrCat("member \"", path, "\" has ", size,
                                                " bytes, but the manifest says ", listed->size));
      }
    }
    absl::StatusOr<PageBuffer> memory = PageBuffer::Allocate(size);
    if (!memory.ok()) return memory.status();
    absl::MutexLock lock(&version_.mu_);
    member_ = &version_.members_[path];
    member_->memory = *std::move(memory);
    member_->size = size;
    member_->listed = listed;
    path_ = path;
    checked_ = 0;
    return member_->memory.span();
  }

  absl::Status Arrived(uint64_t bytes) override {
    uint64_t verified = bytes;
    if (member_->listed != nullptr) {
      if (absl::Status status = CheckUpTo(bytes); !status.ok()) return status;
      verified = checked_;
    }
    absl::MutexLock lock(&version_.mu_);
    member_->verified = verified;
    return absl::OkStatus();
  }

  absl::Status End() override { return absl::OkStatus(); }

 private:
  const ManifestFile* FindListed(const std::string& path) const {
    const std::vector<ManifestFile>& files = version_.contents_.manifest->files;
    const auto found = std::lower_bound(
        files.begin(), files.end(), path,
        [](const ManifestFile& file, const std::string& wanted) { return file.path < wanted; });
    return found == files.end() || found->path != path ? nullptr : &*found;
  }

  // Verifies the chunks that are complete.
  absl::Status CheckUpTo(uint64_t bytes) {
    const uint64_t chunk_size = version_.contents_.manifest->chunk_size;
    while (checked_ < bytes) {
      const uint64_t length = std::min(chunk_size, member_->size - checked_);
      if (checked_ + length > bytes) return absl::OkStatus();
      const uint64_t chunk = checked_ / chunk_size;
      const absl::Status status =
          CheckChunk(member_->listed->chunks[chunk],
                     absl::string_view(member_->memory.data() + checked_, length),
                     version_.options_.check_sha256);
      if (!status.ok()) {
        return absl::DataLossError(absl::StrCat(
            "member \"", path_, "\": chunk ", chunk, " (bytes ", checked_, "-",
            checked_ + length - 1, ") is not what the manifest says: ", status.message()));
      }
      checked_ += length;
    }
    return absl::OkStatus();
  }

  ArchiveVersion& version_;
  std::string path_;
  Member* member_ = nullptr;
  uint64_t checked_ = 0;
};

ArchiveVersion::ArchiveVersion(VersionContents contents, const VersionReaderOptions& options,
                               std::shared_ptr<TransferPool> pool)
    : contents_(std::move(contents)),
      options_(options),
      fetcher_(contents_.store, options.check_sha256, options.cache),
      stream_(pool->OpenStream()),
      bytes_(contents_.objects[0],
             PlanGrid(contents_.objects[0].info.size, contents_.objects[0].chunk_size,
                      options.range_bytes, /*small_file_bytes=*/0),
             fetcher_, *stream_) {}

ArchiveVersion::~ArchiveVersion() {
  Cancel();
  if (thread_.joinable()) thread_.join();
  stream_.reset();  // transfers use the fetcher and the bytes
}

void ArchiveVersion::StartOnce() {
  absl::MutexLock lock(&mu_);
  if (started_) return;
  started_ = true;
  thread_ = std::thread([this] { Unpack(); });
}

void ArchiveVersion::Unpack() {
  UnpackOptions options;
  options.packing = contents_.packing;
  options.version_name = contents_.name;
  options.max_unpacked_bytes = options_.max_unpacked_bytes;
  Sink sink(*this);
  absl::Status status = UnpackArchive(
      options, [this] { return bytes_.Next(); }, sink);
  // The end of a tar archive is not the end of its object, and this lives as long as it serves.
  bytes_.Close();
  if (status.ok()) status = CheckNothingMissing();
  if (!status.ok()) {
    // What the store said names its URL; what the archive itself did wrong does not yet.
    if (fetcher_.status().ok()) {
      status = absl::Status(status.code(), absl::StrCat(contents_.url, ": ", status.message()));
    }
    (void)fetcher_.Fail(status);
  }
  absl::MutexLock lock(&mu_);
  ended_ = true;
}

absl::Status ArchiveVersion::CheckNothingMissing() {
  absl::MutexLock lock(&mu_);
  for (const VersionFile& file : contents_.files) {
    if (members_.count(file.path) != 0) continue;
    return absl::DataLossError(
        absl::StrCat("has no member \"", file.path, "\", although the manifest lists it"));
  }
  return absl::OkStatus();
}

absl::Status ArchiveVersion::NoSuchFile(absl::string_view path) const {
  return absl::NotFoundError(absl::StrCat(contents_.url, "/", path, ": no such file"));
}

absl::StatusOr<ArchiveVersion::Member*> ArchiveVersion::Await(absl::string_view path) {
  const auto settled = [this, path]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return ended_ || members_.find(path) != members_.end();
  };
  mu_.Await(absl::Condition(&settled));
  const auto found = members_.find(path);
  if (found != members_.end()) return &found->second;
  if (absl::Status failed = fetcher_.status(); !failed.ok()) return failed;
  return NoSuchFile(path);
}

absl::StatusOr<std::vector<VersionFile>> ArchiveVersion::Files() {
  if (contents_.manifest != nullptr) return contents_.files;
  StartOnce();
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&ended_));
  if (absl::Status failed = fetcher_.status(); !failed.ok()) return failed;
  std::vector<VersionFile> files;
  for (const auto& [path, member] : members_) files.push_back({path, member.size});
  return files;
}

absl::StatusOr<uint64_t> ArchiveVersion::FileSize(absl::string_view path) {
  if (contents_.manifest != nullptr) {
    const auto found = std::lower_bound(
        contents_.files.begin(), contents_.files.end(), path,
        [](const VersionFile& file, absl::string_view wanted) { return file.path < wanted; });
    if (found == contents_.files.end() || found->path != path) return NoSuchFile(path);
    return found->size;
  }
  StartOnce();
  absl::MutexLock lock(&mu_);
  const absl::StatusOr<Member*> member = Await(path);
  if (!member.ok()) return member.status();
  return (*member)->size;
}

absl::Status ArchiveVersion::Read(absl::string_view path, uint64_t offset, absl::Span<char> into) {
  const absl::StatusOr<uint64_t> size = FileSize(path);
  if (!size.ok()) return size.status();
  if (offset > *size || into.size() > *size - offset) {
    return absl::InvalidArgumentError(absl::StrCat(contents_.url, "/", path, ": has ", *size,
                                                   " bytes, not [", offset, ", ",
                                                   offset + into.size(), ")"));
  }
  StartOnce();
  const uint64_t end = offset + into.size();
  absl::MutexLock lock(&mu_);
  const absl::StatusOr<Member*> awaited = Await(path);
  if (!awaited.ok()) return awaited.status();
  Member* const member = *awaited;
  const auto there = [this, member, end]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return ended_ || member->verified >= end;
  };
  mu_.Await(absl::Condition(&there));
  if (absl::Status failed = fetcher_.status(); !failed.ok()) return failed;
  if (member->released) {
    return absl::FailedPreconditionError(absl::StrCat(
        contents_.url, "/", path, ": its memory was given back when the load was over"));
  }
  ++member->readers;
  mu_.Unlock();
  // Long copies run outside the lock; verified bytes do not change.
  std::memcpy(into.data(), member->memory.data() + offset, into.size());
  mu_.Lock();
  --member->readers;
  return absl::OkStatus();
}

StreamStats ArchiveVersion::stats() const {
  StreamStats stats;
  stats.fetched_bytes = fetcher_.fetched_bytes();
  stats.cached_bytes = fetcher_.cached_bytes();
  stats.requests = fetcher_.requests();
  absl::MutexLock lock(&mu_);
  if (contents_.manifest != nullptr) {
    stats.total_bytes = contents_.manifest->total_size;
  } else if (ended_) {
    for (const auto& [path, member] : members_) stats.total_bytes += member.size;
  } else {
    stats.total_bytes = contents_.objects[0].info.size;
  }
  return stats;
}

void ArchiveVersion::ReleaseAfterLoad() {
  StartOnce();
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&ended_));
  for (auto& [path, member] : members_) {
    if (path != "saved_model.pb" && !absl::StartsWith(path, "variables/")) continue;
    if (member.readers > 0) continue;
    member.memory = PageBuffer();
    member.released = true;
  }
}

void ArchiveVersion::Cancel() {
  (void)fetcher_.Fail(absl::CancelledError(absl::StrCat(contents_.url, ": reading was cancelled")));
}

}  // namespace tfserving_remote

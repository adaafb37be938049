// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/archive_unpacker.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tfserving_remote/manifest/manifest.h"

namespace tfserving_remote {
namespace {

// Readers wait for bytes, so they hear of them in steps of this.
constexpr size_t kStep = 1 << 20;
// Tar consists of blocks; two of zeros mark its end.
constexpr int64_t kBlock = 512;

int64_t RoundUpToBlock(int64_t bytes) { return (bytes + kBlock - 1) / kBlock * kBlock; }

struct FreeArchive {
  void operator()(struct archive* reader) const { archive_read_free(reader); }
};

absl::Status Refuse(absl::string_view member, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("member \"", absl::CHexEscape(member.substr(0, 200)), "\" ", why));
}

class Unpacker {
 public:
  Unpacker(const UnpackOptions& options, const NextBytes& next, MemberSink& sink,
           const SkipBytes& skip)
      : options_(options), next_(next), sink_(sink), skip_(skip), archive_(archive_read_new()) {}

  absl::Status Run() {
    if (absl::Status opened = Open(); !opened.ok()) return opened;
    for (;;) {
      struct archive_entry* entry = nullptr;
      const int result = archive_read_next_header(archive_.get(), &entry);
      if (result == ARCHIVE_EOF) return CheckEndMarker();
      // Warnings are about names that the locale cannot show; names are checked below.
      if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return ArchiveError("reading a header");
      end_of_members_ =
          archive_filter_bytes(archive_.get(), 0) + RoundUpToBlock(archive_entry_size(entry));
      if (absl::Status taken = Take(entry); !taken.ok()) return taken;
    }
  }

 private:
  static la_ssize_t ReadCallback(struct archive*, void* self, const void** buffer) {
    auto* const unpacker = static_cast<Unpacker*>(self);
    absl::StatusOr<absl::Span<const char>> bytes = unpacker->next_();
    if (!bytes.ok()) {
      unpacker->source_status_ = bytes.status();
      return -1;
    }
    *buffer = bytes->data();
    return static_cast<la_ssize_t>(bytes->size());
  }

  static la_int64_t SkipCallback(struct archive*, void* self, la_int64_t bytes) {
    return static_cast<Unpacker*>(self)->skip_(bytes);
  }

  absl::Status Open() {
    struct archive* const reader = archive_.get();
    switch (options_.packing) {
      case VersionPacking::kTarGz:
        archive_read_support_filter_gzip(reader);
        break;
      case VersionPacking::kTarZst:
        archive_read_support_filter_zstd(reader);
        break;
      default:
        archive_read_support_filter_none(reader);
    }
    archive_read_support_format_tar(reader);
    const auto skip = skip_ ? &SkipCallback : nullptr;
    if (archive_read_open2(reader, this, nullptr, &ReadCallback, skip, nullptr) != ARCHIVE_OK) {
      return ArchiveError("opening it");
    }
    return absl::OkStatus();
  }

  absl::Status ArchiveError(absl::string_view doing) {
    if (!source_status_.ok()) return source_status_;
    const char* const text = archive_error_string(archive_.get());
    return absl::DataLossError(
        absl::StrCat(doing, ": ", text == nullptr ? "it is cut off or damaged" : text,
                     "; it is no intact ", PackingSuffix(options_.packing), " archive"));
  }

  // An archive that was cut off between two members looks whole but for this.
  absl::Status CheckEndMarker() {
    if (!source_status_.ok()) return source_status_;
    if (archive_filter_bytes(archive_.get(), 0) >= end_of_members_ + kBlock) {
      return absl::OkStatus();
    }
    return absl::DataLossError(
        absl::StrCat("it ends without the mark of its end, so members may be missing; it is no "
                     "intact ",
                     PackingSuffix(options_.packing), " archive"));
  }

  absl::Status Take(struct archive_entry* entry) {
    const char* name = archive_entry_pathname_utf8(entry);
    if (name == nullptr) name = archive_entry_pathname(entry);
    if (name == nullptr) return Refuse("", "has a name that cannot be read");
    const std::string member = name;
    if (++members_ > options_.max_members) {
      return Refuse(member,
                    absl::StrCat("is one more than the ", options_.max_members, " allowed"));
    }
    absl::StatusOr<std::string> path = MemberPath(member, options_.version_name);
    if (!path.ok()) return path.status();
    if (absl::Status wrong = CheckKind(entry, member); !wrong.ok()) return wrong;
    if (archive_entry_filetype(entry) == AE_IFDIR) return absl::OkStatus();
    if (path->empty()) return Refuse(member, "has the name of the version's folder");
    if (!seen_.insert(*path).second) return Refuse(member, "is there twice");
    const auto size = static_cast<uint64_t>(archive_entry_size(entry));
    if (size > options_.max_unpacked_bytes - unpacked_) {
      return Refuse(member, absl::StrCat("makes the unpacked version larger than ",
                                         options_.max_unpacked_bytes, " bytes"));
    }
    unpacked_ += size;
    return TakeBytes(member, *path, size);
  }

  static absl::Status CheckKind(struct archive_entry* entry, const std::string& member) {
    if (archive_entry_hardlink(entry) != nullptr) return Refuse(member, "is a hard link");
    const auto type = archive_entry_filetype(entry);
    if (type == AE_IFLNK || archive_entry_symlink(entry) != nullptr) {
      return Refuse(member, "is a symbolic link");
    }
    if (type == AE_IFDIR) return absl::OkStatus();
    if (type != AE_IFREG) return Refuse(member, "is no regular file");
    if (archive_entry_sparse_count(entry) > 0) return Refuse(member, "is a sparse file");
    if (!archive_entry_size_is_set(entry) || archive_entry_size(entry) < 0) {
      return Refuse(member, "has no size");
    }
    return absl::OkStatus();
  }

  absl::Status TakeBytes(const std::string& member, const std::string& path, uint64_t size) {
    absl::StatusOr<absl::Span<char>> memory =
        sink_.Begin(path, size, archive_filter_bytes(archive_.get(), 0));
    if (!memory.ok()) return memory.status();
    if (memory->size() != size) return absl::OkStatus();  // the next header skips its bytes
    uint64_t arrived = 0;
    while (arrived < size) {
      const size_t step = std::min<uint64_t>(kStep, size - arrived);
      const la_ssize_t got = archive_read_data(archive_.get(), memory->data() + arrived, step);
      if (got <= 0) return ArchiveError(absl::StrCat("unpacking \"", path, "\""));
      arrived += got;
      if (absl::Status status = sink_.Arrived(arrived); !status.ok()) return status;
    }
    char more = 0;
    if (archive_read_data(archive_.get(), &more, 1) > 0) {
      return Refuse(member, "has more bytes than it announced");
    }
    return sink_.End();
  }

  const UnpackOptions& options_;
  const NextBytes& next_;
  MemberSink& sink_;
  const SkipBytes& skip_;
  absl::Status source_status_;
  const std::unique_ptr<struct archive, FreeArchive> archive_;
  std::unordered_set<std::string> seen_;
  int64_t end_of_members_ = 0;
  uint64_t members_ = 0;
  uint64_t unpacked_ = 0;
};

}  // namespace

absl::StatusOr<std::string> MemberPath(absl::string_view member, absl::string_view version_name) {
  absl::string_view path = member;
  while (absl::ConsumePrefix(&path, "./")) {
  }
  if (path == ".") path = "";
  absl::ConsumeSuffix(&path, "/");
  if (path.empty()) return std::string();
  if (!IsSafeRelativePath(path)) return Refuse(member, "has a path that leaves the version");
  const absl::string_view first = path.substr(0, path.find('/'));
  const std::optional<int64_t> number = ParseVersionNumber(first);
  const std::optional<int64_t> own = ParseVersionNumber(version_name);
  if (first == version_name || (number.has_value() && number == own)) {
    path.remove_prefix(first.size());
    absl::ConsumePrefix(&path, "/");
    return std::string(path);
  }
  if (number.has_value() && own.has_value()) {
    return Refuse(member, absl::StrCat("lies in the folder of version ", first,
                                       ", but this is version ", version_name));
  }
  return std::string(path);
}

absl::Status UnpackArchive(const UnpackOptions& options, const NextBytes& next, MemberSink& sink,
                           const SkipBytes& skip) {
  return Unpacker(options, next, sink, skip).Run();
}

}  // namespace tfserving_remote

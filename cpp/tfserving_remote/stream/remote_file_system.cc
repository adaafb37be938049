// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/remote_file_system.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/platform/file_system.h"
#include "tfserving_remote/stream/page_buffer.h"

namespace tfserving_remote {
namespace {

constexpr char kScheme[] = "remote";
constexpr absl::string_view kPrefix = "remote://";

// A file of a version: where a path below a mount leads.
struct Place {
  std::shared_ptr<VersionReader> reader;
  // Inside the version; "" for its root.
  std::string path;
};

// The mounts of the process: TensorFlow knows file systems only by their scheme.
class MountTable {
 public:
  static MountTable& Get() {
    static MountTable* const table = new MountTable;
    return *table;
  }

  std::pair<int64_t, std::string> Add(std::shared_ptr<VersionReader> reader,
                                      absl::string_view name) {
    absl::MutexLock lock(&mu_);
    const int64_t number = ++last_number_;
    std::string export_dir = absl::StrCat(kPrefix, number, "/", name);
    mounts_[number] = {export_dir, std::move(reader)};
    return {number, std::move(export_dir)};
  }

  void Remove(int64_t number) {
    std::shared_ptr<VersionReader> reader;  // may die here, outside the lock
    absl::MutexLock lock(&mu_);
    const auto found = mounts_.find(number);
    reader = std::move(found->second.reader);
    mounts_.erase(found);
  }

  absl::StatusOr<Place> Find(absl::string_view name) const {
    absl::string_view rest = name;
    int64_t number = 0;
    if (!absl::ConsumePrefix(&rest, kPrefix) ||
        !absl::SimpleAtoi(rest.substr(0, rest.find('/')), &number)) {
      return NotMounted(name);
    }
    absl::MutexLock lock(&mu_);
    const auto found = mounts_.find(number);
    if (found == mounts_.end()) return NotMounted(name);
    rest = name;
    if (!absl::ConsumePrefix(&rest, found->second.export_dir)) return NotMounted(name);
    if (!rest.empty() && rest.front() != '/') return NotMounted(name);
    while (absl::ConsumePrefix(&rest, "/")) {
    }
    while (absl::ConsumeSuffix(&rest, "/")) {
    }
    return Place{found->second.reader, std::string(rest)};
  }

 private:
  struct Entry {
    std::string export_dir;
    std::shared_ptr<VersionReader> reader;
  };

  static absl::Status NotMounted(absl::string_view name) {
    return absl::NotFoundError(absl::StrCat(name, ": no model version is mounted there"));
  }

  mutable absl::Mutex mu_;
  std::map<int64_t, Entry> mounts_ ABSL_GUARDED_BY(mu_);
  int64_t last_number_ ABSL_GUARDED_BY(mu_) = 0;
};

class RemoteFile final : public tensorflow::RandomAccessFile {
 public:
  RemoteFile(Place place, uint64_t size, std::string name)
      : place_(std::move(place)), size_(size), name_(std::move(name)) {}

  using tensorflow::RandomAccessFile::Read;
  absl::Status Read(uint64_t offset, absl::string_view& result,
                    absl::Span<char> scratch) const override {
    const uint64_t rest = offset >= size_ ? 0 : size_ - offset;
    const absl::Span<char> wanted = scratch.subspan(0, std::min<uint64_t>(rest, scratch.size()));
    result = absl::string_view();
    if (!wanted.empty()) {
      if (absl::Status read = place_.reader->Read(place_.path, offset, wanted); !read.ok()) {
        return read;
      }
      result = absl::string_view(wanted.data(), wanted.size());
    }
    if (wanted.size() == scratch.size()) return absl::OkStatus();
    return absl::OutOfRangeError(absl::StrCat(name_, ": end of file"));
  }

  absl::Status Name(absl::string_view* result) const override {
    *result = name_;
    return absl::OkStatus();
  }

 private:
  const Place place_;
  const uint64_t size_;
  const std::string name_;
};

class RemoteRegion final : public tensorflow::ReadOnlyMemoryRegion {
 public:
  explicit RemoteRegion(PageBuffer memory) : memory_(std::move(memory)) {}
  const void* data() override { return memory_.data(); }
  uint64_t length() override { return memory_.size(); }

 private:
  const PageBuffer memory_;
};

class RemoteFileSystem final : public tensorflow::FileSystem {
 public:
  TF_USE_FILESYSTEM_METHODS_WITH_NO_TRANSACTION_SUPPORT;
  using Token = tensorflow::TransactionToken;

  absl::Status NewRandomAccessFile(const std::string& name, Token*,
                                   std::unique_ptr<tensorflow::RandomAccessFile>* result) override {
    absl::StatusOr<Place> place = MountTable::Get().Find(name);
    if (!place.ok()) return place.status();
    const absl::StatusOr<uint64_t> size = place->reader->FileSize(place->path);
    if (!size.ok()) return size.status();
    *result = std::make_unique<RemoteFile>(*std::move(place), *size, name);
    return absl::OkStatus();
  }

  absl::Status NewReadOnlyMemoryRegionFromFile(
      const std::string& name, Token*,
      std::unique_ptr<tensorflow::ReadOnlyMemoryRegion>* result) override {
    const absl::StatusOr<Place> place = MountTable::Get().Find(name);
    if (!place.ok()) return place.status();
    const absl::StatusOr<uint64_t> size = place->reader->FileSize(place->path);
    if (!size.ok()) return size.status();
    absl::StatusOr<PageBuffer> memory = PageBuffer::Allocate(*size);
    if (!memory.ok()) return memory.status();
    if (absl::Status read = place->reader->Read(place->path, 0, memory->span()); !read.ok()) {
      return read;
    }
    *result = std::make_unique<RemoteRegion>(*std::move(memory));
    return absl::OkStatus();
  }

  absl::Status FileExists(const std::string& name, Token*) override {
    tensorflow::FileStatistics unused;
    return Stat(name, nullptr, &unused);
  }

  absl::Status Stat(const std::string& name, Token*, tensorflow::FileStatistics* stat) override {
    const absl::StatusOr<Place> place = MountTable::Get().Find(name);
    if (!place.ok()) return place.status();
    stat->mtime_nsec = 0;
    const absl::StatusOr<uint64_t> size = place->reader->FileSize(place->path);
    if (!size.ok() && !absl::IsNotFound(size.status())) return size.status();
    stat->is_directory = !size.ok();
    stat->length = size.ok() ? static_cast<int64_t>(*size) : 0;
    return size.ok() ? absl::OkStatus() : Children(*place, name).status();
  }

  absl::Status GetChildren(const std::string& name, Token*,
                           std::vector<std::string>* result) override {
    const absl::StatusOr<Place> place = MountTable::Get().Find(name);
    if (!place.ok()) return place.status();
    absl::StatusOr<std::set<std::string>> children = Children(*place, name);
    if (!children.ok()) return children.status();
    result->assign(children->begin(), children->end());
    return absl::OkStatus();
  }

  absl::Status GetMatchingPaths(const std::string& pattern, Token*,
                                std::vector<std::string>* result) override {
    result->clear();
    const size_t special = pattern.find_first_of("*?[\\");
    if (special == std::string::npos) {
      if (FileExists(pattern, nullptr).ok()) result->push_back(pattern);
      return absl::OkStatus();
    }
    return MatchBelow(pattern.substr(0, pattern.rfind('/', special)), pattern, *result);
  }

  absl::Status IsDirectory(const std::string& name, Token*) override {
    tensorflow::FileStatistics stat;
    if (absl::Status found = Stat(name, nullptr, &stat); !found.ok()) return found;
    if (stat.is_directory) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(name, ": is a file"));
  }

  absl::Status GetFileSize(const std::string& name, Token*, uint64_t* size) override {
    const absl::StatusOr<Place> place = MountTable::Get().Find(name);
    if (!place.ok()) return place.status();
    const absl::StatusOr<uint64_t> found = place->reader->FileSize(place->path);
    if (!found.ok()) return found.status();
    *size = *found;
    return absl::OkStatus();
  }

  absl::Status NewWritableFile(const std::string& name, Token*,
                               std::unique_ptr<tensorflow::WritableFile>*) override {
    return ReadOnly(name);
  }
  absl::Status NewAppendableFile(const std::string& name, Token*,
                                 std::unique_ptr<tensorflow::WritableFile>*) override {
    return ReadOnly(name);
  }
  absl::Status DeleteFile(const std::string& name, Token*) override { return ReadOnly(name); }
  absl::Status CreateDir(const std::string& name, Token*) override { return ReadOnly(name); }
  absl::Status RecursivelyCreateDir(const std::string& name, Token*) override {
    return ReadOnly(name);
  }
  absl::Status DeleteDir(const std::string& name, Token*) override { return ReadOnly(name); }
  absl::Status DeleteRecursively(const std::string& name, Token*, int64_t* files,
                                 int64_t* folders) override {
    *files = 0;
    *folders = 1;
    return ReadOnly(name);
  }
  absl::Status RenameFile(const std::string& name, const std::string&, Token*) override {
    return ReadOnly(name);
  }

 private:
  static absl::Status ReadOnly(const std::string& name) {
    return absl::PermissionDeniedError(absl::StrCat(name, ": a model version is read-only"));
  }

  // Names right below a folder; NOT_FOUND when there are none, since an empty folder is none.
  static absl::StatusOr<std::set<std::string>> Children(const Place& place,
                                                        const std::string& name) {
    const absl::StatusOr<std::vector<VersionFile>> files = place.reader->Files();
    if (!files.ok()) return files.status();
    const std::string prefix = place.path.empty() ? "" : absl::StrCat(place.path, "/");
    std::set<std::string> children;
    for (const VersionFile& file : *files) {
      absl::string_view rest = file.path;
      if (!absl::ConsumePrefix(&rest, prefix)) continue;
      children.insert(std::string(rest.substr(0, rest.find('/'))));
    }
    if (!children.empty()) return children;
    return absl::NotFoundError(absl::StrCat(name, ": no such file or folder"));
  }

  // Files and folders below `folder` whose whole name matches.
  absl::Status MatchBelow(const std::string& folder, const std::string& pattern,
                          std::vector<std::string>& result) {
    const absl::StatusOr<Place> place = MountTable::Get().Find(folder);
    if (!place.ok()) return absl::OkStatus();  // nothing there, so nothing matches
    const absl::StatusOr<std::vector<VersionFile>> files = place->reader->Files();
    if (!files.ok()) return files.status();
    const std::string prefix = place->path.empty() ? "" : absl::StrCat(place->path, "/");
    std::set<std::string> candidates;
    for (const VersionFile& file : *files) {
      absl::string_view rest = file.path;
      if (!absl::ConsumePrefix(&rest, prefix)) continue;
      for (size_t slash = rest.find('/'); slash != rest.npos; slash = rest.find('/', slash + 1)) {
        candidates.insert(absl::StrCat(folder, "/", rest.substr(0, slash)));
      }
      candidates.insert(absl::StrCat(folder, "/", rest));
    }
    for (const std::string& candidate : candidates) {
      if (Match(candidate, pattern)) result.push_back(candidate);
    }
    return absl::OkStatus();
  }
};

absl::Status RegisterOnce() {
  static const absl::Status* const registered =
      new absl::Status(tensorflow::Env::Default()->RegisterFileSystem(
          kScheme, std::make_unique<RemoteFileSystem>()));
  return *registered;
}

}  // namespace

Mount::~Mount() { MountTable::Get().Remove(number_); }

absl::StatusOr<std::unique_ptr<Mount>> MountVersion(std::shared_ptr<VersionReader> reader,
                                                    absl::string_view name) {
  if (absl::Status registered = RegisterOnce(); !registered.ok()) return registered;
  auto [number, export_dir] = MountTable::Get().Add(std::move(reader), name);
  return std::unique_ptr<Mount>(new Mount(number, std::move(export_dir)));
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/cache_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tfserving_remote/base/clock.h"

namespace tfserving_remote {
namespace {

constexpr char kFolder[] = "tfserving-remote-chunks";
constexpr uint64_t kPage = 4096;
constexpr size_t kReadBack = 256 << 10;
// Whoever holds the lock has it for microseconds, or while it counts. A process that was stopped
// with it must not stop the loads of others.
constexpr absl::Duration kPatience = absl::Seconds(1);
constexpr absl::Duration kPatienceOfOpen = absl::Seconds(10);
constexpr absl::Duration kLockPause = absl::Milliseconds(1);
// A chunk used later than now was used by a clock that was wrong.
constexpr absl::Duration kClockSkew = absl::Hours(1);

uint64_t OnDisk(uint64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

absl::Status SystemError(absl::string_view path, int error) {
  return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(error)));
}

// As mkdir -p; errors show when the folder is opened.
void MakeFolders(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    mkdir(path.substr(0, slash).c_str(), 0700);
  }
  mkdir(path.c_str(), 0700);
}

// A folder that is this user's alone. `was_writable`: others may have put files there.
absl::StatusOr<UniqueFd> OpenPrivate(int parent, const char* name, absl::string_view path,
                                     bool& was_writable) {
  if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST) return SystemError(path, errno);
  UniqueFd folder(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat facts;
  if (!folder || fstat(folder.get(), &facts) != 0) return SystemError(path, errno);
  if (facts.st_uid != geteuid()) {
    return absl::PermissionDeniedError(absl::StrCat(path, ": belongs to user ", facts.st_uid,
                                                    ", not to ", geteuid(),
                                                    "; give each user a cache of its own"));
  }
  if ((facts.st_mode & 0077) != 0) {
    if (fchmod(folder.get(), 0700) != 0) return SystemError(path, errno);
    was_writable |= (facts.st_mode & 0022) != 0;
  }
  return folder;
}

std::vector<std::string> NamesIn(int folder) {
  std::vector<std::string> names;
  const int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const stream = copy < 0 ? nullptr : fdopendir(copy);
  if (stream == nullptr) {
    if (copy >= 0) close(copy);
    return names;
  }
  while (const dirent* entry = readdir(stream)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  closedir(stream);
  return names;
}

void RemoveAll(int folder) {
  for (const std::string& name : NamesIn(folder)) unlinkat(folder, name.c_str(), 0);
}

// A regular file without waiting for the other end of a pipe.
UniqueFd OpenFile(int folder, const std::string& name, struct stat& facts) {
  UniqueFd file(
      openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file || fstat(file.get(), &facts) != 0) return UniqueFd();
  if (S_ISREG(facts.st_mode)) return file;
  errno = ELOOP;  // as for a link: not what it should be
  return UniqueFd();
}

bool ReadFully(int file, absl::Span<char> into) {
  for (size_t done = 0; done < into.size();) {
    const ssize_t got = pread(file, into.data() + done, into.size() - done, done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += got;
  }
  return true;
}

bool WriteFully(int file, absl::string_view bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t written = pwrite(file, bytes.data() + done, bytes.size() - done, done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    done += written;
  }
  return true;
}

void SetUsed(int file, absl::Time now) {
  const timespec times[2] = {{0, UTIME_OMIT}, absl::ToTimespec(now)};
  futimens(file, times);
}

// The eight bytes of the lock file; the most there can be when they say nothing.
uint64_t ReadTaken(int lock) {
  uint64_t taken = 0;
  const bool read = ReadFully(lock, {reinterpret_cast<char*>(&taken), sizeof(taken)});
  return read ? taken : UINT64_MAX;
}

bool WriteTaken(int lock, uint64_t taken) {
  return WriteFully(lock, {reinterpret_cast<const char*>(&taken), sizeof(taken)});
}

void GiveBack(int lock, uint64_t bytes) {
  const uint64_t taken = ReadTaken(lock);
  WriteTaken(lock, taken - std::min(taken, bytes));
}

}  // namespace

absl::StatusOr<std::shared_ptr<CacheFolder>> CacheFolder::Open(const std::string& path,
                                                               const Room& room) {
  std::shared_ptr<CacheFolder> folder(new CacheFolder(path));
  bool was_writable = false;
  if (absl::Status opened = folder->OpenFolders(was_writable); !opened.ok()) return opened;
  if (!folder->Lock(kPatienceOfOpen)) return folder->Failure("lock");
  const absl::Status taken = folder->TakePossession(room, was_writable);
  folder->Unlock();
  if (!taken.ok()) return taken;
  return folder;
}

absl::Status CacheFolder::OpenFolders(bool& was_writable) {
  MakeFolders(path_);
  const UniqueFd above(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!above) return Failure("");
  const auto open_private = [&](int parent, const char* name) {
    return OpenPrivate(parent, name, absl::StrCat(path_, "/", name), was_writable);
  };
  absl::StatusOr<UniqueFd> root = open_private(above.get(), kFolder);
  if (!root.ok()) return root.status();
  absl::StatusOr<UniqueFd> chunks = open_private(root->get(), "chunks");
  if (!chunks.ok()) return chunks.status();
  absl::StatusOr<UniqueFd> incoming = open_private(root->get(), "incoming");
  if (!incoming.ok()) return incoming.status();
  chunks_ = *std::move(chunks);
  incoming_ = *std::move(incoming);
  lock_ = UniqueFd(
      openat(root->get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
  return lock_ ? absl::OkStatus() : Failure("lock");
}

absl::Status CacheFolder::TakePossession(const Room& room, bool was_writable) {
  // Others may have put chunks there that fit a crc32c, which is no protection from intent.
  if (was_writable) RemoveAll(chunks_.get());
  if (absl::Status opened = OpenOwn(); !opened.ok()) return opened;
  if (!WriteTaken(lock_.get(), Count(room.now))) return Failure("lock");
  return MakeRoom(0, room).status();
}

absl::Status CacheFolder::OpenOwn() {
  std::random_device random;
  own_name_ = absl::StrFormat("%08x%08x", random(), random());
  if (mkdirat(incoming_.get(), own_name_.c_str(), 0700) != 0) return Failure("incoming");
  own_ = UniqueFd(
      openat(incoming_.get(), own_name_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!own_ || flock(own_.get(), LOCK_EX | LOCK_NB) != 0) return Failure("incoming");
  return absl::OkStatus();
}

CacheFolder::~CacheFolder() {
  if (!own_) return;
  RemoveAll(own_.get());
  unlinkat(incoming_.get(), own_name_.c_str(), AT_REMOVEDIR);
}

CacheFolder::Found CacheFolder::Read(const std::string& chunk, absl::Span<char> into,
                                     absl::Time now) const {
  struct stat facts;
  const UniqueFd file = OpenFile(chunks_.get(), chunk, facts);
  if (!file) return errno == ELOOP ? Found::kDamaged : Found::kNothing;
  if (static_cast<uint64_t>(facts.st_size) != into.size()) return Found::kDamaged;
  if (!ReadFully(file.get(), into)) return Found::kDamaged;
  SetUsed(file.get(), now);
  return Found::kChunk;
}

bool CacheFolder::Has(const std::string& chunk) const {
  return faccessat(chunks_.get(), chunk.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void CacheFolder::Remove(const std::string& chunk) { RemoveAndGiveBack(chunks_.get(), chunk); }
void CacheFolder::Discard(const std::string& draft) { RemoveAndGiveBack(own_.get(), draft); }

void CacheFolder::RemoveAndGiveBack(int folder, const std::string& name) {
  // Under the lock: a count must not come between the two. Without it too much stays counted.
  const bool locked = Lock(kPatience);
  struct stat facts;
  const bool there = fstatat(folder, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0;
  const int kind = there && S_ISDIR(facts.st_mode) ? AT_REMOVEDIR : 0;
  const bool removed = there && unlinkat(folder, name.c_str(), kind) == 0;
  if (!locked) return;
  if (removed) GiveBack(lock_.get(), OnDisk(facts.st_size));
  Unlock();
}

bool CacheFolder::Lock(absl::Duration patience) {
  mu_.Lock();
  for (absl::Duration waited; waited < patience; waited += kLockPause) {
    if (flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return true;
    Clock::Real().SleepFor(kLockPause, nullptr);
  }
  mu_.Unlock();
  errno = EWOULDBLOCK;
  return false;
}

void CacheFolder::Unlock() {
  flock(lock_.get(), LOCK_UN);
  mu_.Unlock();
}

absl::StatusOr<bool> CacheFolder::MakeRoom(uint64_t bytes, const Room& room) {
  if (bytes > room.max_bytes) return false;
  uint64_t taken = ReadTaken(lock_.get());
  bool counted = false;
  while (taken > room.max_bytes - bytes) {
    if (RemoveOldest(room, taken)) continue;
    if (counted) return false;
    // Others have written since the last count; and some of what was counted may be gone.
    taken = Count(room.now);
    counted = true;
  }
  // Before the file exists: a crash in between leaves too much counted, never too little.
  if (!WriteTaken(lock_.get(), taken + bytes)) return Failure("lock");
  return true;
}

bool CacheFolder::RemoveOldest(const Room& room, uint64_t& taken) {
  while (!oldest_.empty() && oldest_.back().used < room.unused_since) {
    const Chunk chunk = std::move(oldest_.back());
    oldest_.pop_back();
    struct stat facts;
    if (fstatat(chunks_.get(), chunk.name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const bool used_since =
        absl::TimeFromTimespec(facts.st_mtim) != chunk.used && chunk.used != absl::InfinitePast();
    if (used_since || unlinkat(chunks_.get(), chunk.name.c_str(), 0) != 0) continue;
    taken -= std::min(taken, chunk.bytes);
    return true;
  }
  return false;
}

uint64_t CacheFolder::Count(absl::Time now) {
  // Incoming first: a draft that becomes a chunk meanwhile is counted twice, not left out.
  uint64_t taken = CountIncoming();
  oldest_.clear();
  for (std::string& name : NamesIn(chunks_.get())) {
    struct stat facts;
    if (fstatat(chunks_.get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) continue;
    Chunk chunk = {std::move(name), OnDisk(facts.st_size), absl::TimeFromTimespec(facts.st_mtim)};
    if (chunk.used > now + kClockSkew) chunk.used = absl::InfinitePast();
    taken += chunk.bytes;
    oldest_.push_back(std::move(chunk));
  }
  std::sort(oldest_.begin(), oldest_.end(),
            [](const Chunk& a, const Chunk& b) { return a.used > b.used; });
  return taken;
}

uint64_t CacheFolder::CountIncoming() {
  uint64_t taken = 0;
  for (const std::string& process : NamesIn(incoming_.get())) {
    const UniqueFd folder(
        openat(incoming_.get(), process.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) continue;
    // Nobody holds it: its process is dead.
    if (process != own_name_ && flock(folder.get(), LOCK_EX | LOCK_NB) == 0) {
      RemoveAll(folder.get());
      unlinkat(incoming_.get(), process.c_str(), AT_REMOVEDIR);
      continue;
    }
    for (const std::string& draft : NamesIn(folder.get())) {
      struct stat facts;
      if (fstatat(folder.get(), draft.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) continue;
      taken += OnDisk(facts.st_size);
    }
  }
  return taken;
}

// No file when there is no room.
absl::StatusOr<UniqueFd> CacheFolder::CreateDraft(const std::string& name, uint64_t bytes,
                                                  const Room& room) {
  const absl::StatusOr<bool> made = MakeRoom(OnDisk(bytes), room);
  if (!made.ok()) return made.status();
  if (!*made) return UniqueFd();
  UniqueFd file(
      openat(own_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  // Its whole size at once, for others who count.
  if (file && ftruncate(file.get(), static_cast<off_t>(bytes)) == 0) return file;
  const absl::Status failure = Failure("incoming");
  unlinkat(own_.get(), name.c_str(), 0);
  GiveBack(lock_.get(), OnDisk(bytes));
  return failure;
}

absl::StatusOr<std::string> CacheFolder::Write(absl::string_view bytes, const Room& room) {
  const std::string name = absl::StrCat(drafts_.fetch_add(1));
  if (!Lock(kPatience)) return Failure("lock");
  absl::StatusOr<UniqueFd> file = CreateDraft(name, bytes.size(), room);
  Unlock();
  if (!file.ok()) return file.status();
  if (!*file) return std::string();
  if (WriteFully(file->get(), bytes)) return name;
  const absl::Status failure = Failure("incoming");
  Discard(name);
  return failure;
}

absl::StatusOr<Sha256Digest> CacheFolder::Digest(const std::string& draft) const {
  struct stat facts;
  const UniqueFd file = OpenFile(own_.get(), draft, facts);
  if (!file) return Failure("incoming");
  Sha256Stream sha256;
  std::string buffer(kReadBack, '\0');
  for (;;) {
    const ssize_t got = read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failure("incoming");
    if (got == 0) return sha256.Finish();
    sha256.Add(absl::string_view(buffer.data(), got));
  }
}

absl::Status CacheFolder::Commit(const std::string& draft, const std::string& chunk,
                                 absl::Time now) {
  if (Has(chunk)) {  // another process was faster
    Discard(draft);
    return absl::OkStatus();
  }
  struct stat facts;
  if (const UniqueFd file = OpenFile(own_.get(), draft, facts); file) SetUsed(file.get(), now);
  if (renameat(own_.get(), draft.c_str(), chunks_.get(), chunk.c_str()) == 0) {
    return absl::OkStatus();
  }
  const absl::Status failure = Failure("chunks");
  Discard(draft);
  return failure;
}

absl::Status CacheFolder::Failure(absl::string_view what) const {
  if (errno == EWOULDBLOCK) {
    return absl::UnavailableError(
        absl::StrCat(path_, "/", what, ": another process does not let go of it"));
  }
  return SystemError(absl::StrCat(path_, what.empty() ? "" : "/", what), errno);
}

}  // namespace tfserving_remote

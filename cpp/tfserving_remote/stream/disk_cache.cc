// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/disk_cache.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/stream/chunk_fetcher.h"

namespace tfserving_remote {
namespace {

constexpr absl::Duration kPauseAfterFailure = absl::Minutes(1);
// A chunk that takes longer to write waits for a disk that hardly works any more. Shorter waits are
// worth it: a load that is slow once spares the next ones the store.
constexpr absl::Duration kSlowWrite = absl::Seconds(10);
constexpr int kPauseAfterSlowWrite = 4;

}  // namespace

absl::Status DiskCacheOptions::Validate() const {
  if (folder.empty()) return absl::InvalidArgumentError("the cache has no folder");
  if (absl::StrContains(folder, "://") || folder.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("the cache is a folder on a disk of this machine, not \"", folder, "\""));
  }
  if (max_bytes == 0) return absl::InvalidArgumentError("the cache may hold no bytes");
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<DiskCache>> DiskCache::Create(const DiskCacheOptions& options,
                                                             Clock& clock, LogSink& log) {
  if (absl::Status valid = options.Validate(); !valid.ok()) return valid;
  std::shared_ptr<DiskCache> cache(new DiskCache(options, clock, log));
  cache->Open();
  cache->thread_ = std::thread([cache = cache.get()] { cache->Work(); });
  return cache;
}

DiskCache::~DiskCache() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
}

bool DiskCache::Get(const ChunkDigest& digest, bool check_sha256, absl::Span<char> into) {
  std::shared_ptr<CacheFolder> folder;
  {
    absl::MutexLock lock(&mu_);
    folder = folder_;
  }
  if (folder == nullptr) return false;
  const std::string name = ToHex(digest.sha256);
  CacheFolder::Found found = folder->Read(name, into, clock_.Now());
  absl::Status right = absl::DataLossError("wrong size or type, or unreadable");
  if (found == CacheFolder::Found::kChunk) {
    right = CheckChunk(digest, absl::string_view(into.data(), into.size()), check_sha256);
    if (right.ok()) return true;
  }
  if (found == CacheFolder::Found::kNothing) return false;
  folder->Remove(name);
  bool tell = false;
  {
    absl::MutexLock lock(&mu_);
    tell = !std::exchange(told_of_damage_, true);
  }
  if (tell) {
    log_.Log(Severity::kWarning,
             absl::StrCat("cache ", options_.folder, ": removed the damaged chunk ", name, " (",
                          right.message(), "); it is fetched, as others like it will be"));
  }
  return false;
}

void DiskCache::Put(const ChunkDigest& digest, absl::string_view bytes, bool sha256_checked,
                    absl::Time unused_since) {
  Draft draft;
  draft.sha256 = digest.sha256;
  draft.folder = BeginPut(digest.sha256, unused_since);
  if (draft.folder == nullptr) return;
  draft.name = Write(draft, bytes, unused_since);
  if (draft.name.empty()) {
    EndPut(digest.sha256);
  } else if (sha256_checked) {
    Commit(draft);
  } else {
    absl::MutexLock lock(&mu_);
    drafts_.push_back(std::move(draft));
  }
}

std::shared_ptr<CacheFolder> DiskCache::BeginPut(const Sha256Digest& sha256,
                                                 absl::Time unused_since) {
  const absl::Time now = clock_.Now();
  absl::MutexLock lock(&mu_);
  if (now < paused_until_ || unused_since <= full_for_) return nullptr;
  if (broken_) {
    reopen_ = true;
    paused_until_ = now + kPauseAfterFailure;
    return nullptr;
  }
  return writing_.insert(sha256).second ? folder_ : nullptr;
}

void DiskCache::EndPut(const Sha256Digest& sha256) {
  absl::MutexLock lock(&mu_);
  writing_.erase(sha256);
}

std::string DiskCache::Write(const Draft& draft, absl::string_view bytes, absl::Time unused_since) {
  // Another process may have been faster.
  if (draft.folder->Has(ToHex(draft.sha256))) return "";
  const absl::Time begin = clock_.Now();
  absl::StatusOr<std::string> name =
      draft.folder->Write(bytes, {options_.max_bytes, begin, unused_since});
  if (!name.ok()) {
    GiveUp(name.status());
    return "";
  }
  const absl::Duration took = clock_.Now() - begin;
  bool healed = false;
  {
    absl::MutexLock lock(&mu_);
    if (took > kSlowWrite) paused_until_ = begin + (1 + kPauseAfterSlowWrite) * took;
    if (!name->empty()) {
      healed = std::exchange(complained_, false);
    } else if (unused_since != absl::InfiniteFuture()) {
      full_for_ = std::max(full_for_, unused_since);
    }
  }
  if (healed) {
    log_.Log(Severity::kInfo, absl::StrCat("cache ", options_.folder, ": works again"));
  }
  return *std::move(name);
}

void DiskCache::Prove(const Draft& draft) {
  const absl::StatusOr<Sha256Digest> sha256 = draft.folder->Digest(draft.name);
  if (sha256.ok() && *sha256 == draft.sha256) {
    Commit(draft);
    return;
  }
  draft.folder->Discard(draft.name);
  EndPut(draft.sha256);
  if (!sha256.ok()) GiveUp(sha256.status());
}

void DiskCache::Commit(const Draft& draft) {
  const absl::Status committed =
      draft.folder->Commit(draft.name, ToHex(draft.sha256), clock_.Now());
  EndPut(draft.sha256);
  if (!committed.ok()) GiveUp(committed);
}

void DiskCache::Open() {
  absl::StatusOr<std::shared_ptr<CacheFolder>> folder =
      CacheFolder::Open(options_.folder, {options_.max_bytes, clock_.Now()});
  if (!folder.ok()) {
    GiveUp(folder.status());
    return;
  }
  absl::MutexLock lock(&mu_);
  folder_.swap(*folder);  // the one before dies outside the lock
  broken_ = false;
  paused_until_ = absl::InfinitePast();
}

void DiskCache::GiveUp(const absl::Status& why) {
  const absl::Time again = clock_.Now() + kPauseAfterFailure;
  {
    absl::MutexLock lock(&mu_);
    broken_ = true;
    paused_until_ = again;
    if (std::exchange(complained_, true)) return;
  }
  log_.Log(Severity::kWarning,
           absl::StrCat("cache ", why.message(),
                        "; going on without new chunks in it, and trying again every minute"));
}

void DiskCache::Work() {
  // Serving comes first. Not the lowest priority: the thread takes a lock that loads wait for.
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 10);
  const auto wake_up = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || reopen_ || !drafts_.empty();
  };
  absl::MutexLock lock(&mu_);
  for (;;) {
    mu_.Await(absl::Condition(&wake_up));
    if (stopping_) return;
    const bool reopen = std::exchange(reopen_, false);
    Draft draft;
    if (!reopen) {
      draft = std::move(drafts_.front());
      drafts_.pop_front();
    }
    working_ = true;
    mu_.Unlock();
    if (reopen) {
      Open();
    } else {
      Prove(draft);
    }
    draft = Draft();  // what it holds dies outside the lock
    mu_.Lock();
    working_ = false;
  }
}

void DiskCache::Flush() {
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !working_ && !reopen_ && drafts_.empty();
  };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&idle));
}

}  // namespace tfserving_remote

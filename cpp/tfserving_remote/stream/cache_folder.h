// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_CACHE_FOLDER_H_
#define TFSERVING_REMOTE_STREAM_CACHE_FOLDER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tfserving_remote/manifest/digest.h"
#include "tfserving_remote/net/unique_fd.h"

namespace tfserving_remote {

/// The files of a DiskCache, and how processes that share them keep out of each other's way.
///
///   chunks/<sha256>       a complete chunk; its modification time says when it was used last
///   incoming/<process>/   what a process writes now; locked for as long as the process lives
///   lock                  held by whoever makes room; its eight bytes say how much is taken
///
/// They lie in a folder of their own inside `path`, which only this user may enter. Nothing in it
/// is believed: links are not followed, and what has a wrong type or size is removed.
///
/// Nothing is synchronised with the disk. What a crash of the machine leaves half written has
/// another digest than its name.
///
/// Units:    bytes; limits count whole pages of 4096, as files take them on a disk.
/// Errors:   PERMISSION_DENIED (the folder is somebody else's), UNAVAILABLE (what the system said).
/// Threads:  safe to call from any thread. Reading takes no lock.
/// Lifetime: the destructor removes what is still incoming.
class CacheFolder {
 public:
  /// What may be removed to make room, and until when.
  struct Room {
    uint64_t max_bytes = 0;
    absl::Time now;
    /// Chunks used at this time or later stay.
    absl::Time unused_since = absl::InfiniteFuture();
  };

  /// Makes what is missing, also above `path`; removes what dead processes left and what is above
  /// the limit.
  static absl::StatusOr<std::shared_ptr<CacheFolder>> Open(const std::string& path,
                                                           const Room& room);
  ~CacheFolder();

  enum class Found { kNothing, kChunk, kDamaged };
  /// Fills `into` with the chunk of this name, unverified, and notes that it was used.
  Found Read(const std::string& chunk, absl::Span<char> into, absl::Time now) const;
  bool Has(const std::string& chunk) const;
  void Remove(const std::string& chunk);

  /// Writes a draft, removing the longest unused chunks as needed. Returns its name; an empty one
  /// when there is no room.
  absl::StatusOr<std::string> Write(absl::string_view bytes, const Room& room);
  /// Reads the draft back, by little pieces.
  absl::StatusOr<Sha256Digest> Digest(const std::string& draft) const;
  /// Makes a chunk of the draft.
  absl::Status Commit(const std::string& draft, const std::string& chunk, absl::Time now);
  void Discard(const std::string& draft);

 private:
  struct Chunk {
    std::string name;
    uint64_t bytes = 0;
    absl::Time used;
  };

  explicit CacheFolder(const std::string& path) : path_(path) {}

  absl::Status OpenFolders(bool& was_writable);
  absl::Status TakePossession(const Room& room, bool was_writable)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status OpenOwn();
  // False when another process does not let go of the lock file.
  bool Lock(absl::Duration patience) ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true, mu_);
  void Unlock() ABSL_UNLOCK_FUNCTION(mu_);
  absl::StatusOr<UniqueFd> CreateDraft(const std::string& name, uint64_t bytes, const Room& room)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<bool> MakeRoom(uint64_t bytes, const Room& room)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool RemoveOldest(const Room& room, uint64_t& taken) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint64_t Count(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint64_t CountIncoming() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RemoveAndGiveBack(int folder, const std::string& name);
  absl::Status Failure(absl::string_view what) const;

  // Constant after Open.
  const std::string path_;
  UniqueFd chunks_;
  UniqueFd incoming_;
  UniqueFd own_;
  std::string own_name_;
  UniqueFd lock_;

  // Synchronises itself.
  std::atomic<uint64_t> drafts_{0};

  // Guarded by mu_. The lock file excludes processes, mu_ threads; whoever has one has both.
  absl::Mutex mu_;
  // As the last count found them, the longest unused at the end.
  std::vector<Chunk> oldest_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_CACHE_FOLDER_H_

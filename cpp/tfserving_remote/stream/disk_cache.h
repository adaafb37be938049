// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_DISK_CACHE_H_
#define TFSERVING_REMOTE_STREAM_DISK_CACHE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/manifest/manifest.h"
#include "tfserving_remote/stream/cache_folder.h"

namespace tfserving_remote {

struct DiskCacheOptions {
  /// On a disk of this machine; made when it is missing. --remote_cache_dir.
  std::string folder;
  /// Of all chunks in the folder, whoever wrote them; --remote_cache_max_bytes. A cache that holds
  /// the versions that are served spares a restart all but their manifests.
  uint64_t max_bytes = uint64_t{10} << 30;

  absl::Status Validate() const;
};

/// Chunks of versions with a manifest, kept on disk under their sha256: what a version shares with
/// one that was read before, by whichever process of this host and user, is not fetched again.
///
/// It never fails a load. A disk that is full, gone or not writable is reported once; reading goes
/// on without it, and a minute later it is tried again. A chunk takes its name only when its sha256
/// is known to be right, since what one publisher's manifest says of it must not reach the models
/// of another; that is found out by a thread in the background, unless the load has.
///
/// Units:    bytes.
/// Errors:   Create says INVALID_ARGUMENT for options that cannot work; nothing else fails.
/// Threads:  safe to call from any thread. Get and Put block for the disk; Get takes no lock that
///           other processes hold.
/// Lifetime: outlives its calls. The destructor drops chunks whose sha256 is not known yet.
class DiskCache {
 public:
  /// `clock` and `log` are borrowed.
  static absl::StatusOr<std::shared_ptr<DiskCache>> Create(const DiskCacheOptions& options,
                                                           Clock& clock, LogSink& log);
  ~DiskCache();

  /// Fills `into` with the chunk. False when it is not there, or was damaged: then it is no longer.
  /// `into` may be written to in any case. With `check_sha256` compares more than the crc32c.
  bool Get(const ChunkDigest& digest, bool check_sha256, absl::Span<char> into);

  /// Keeps bytes that have this crc32c, and this sha256 as well if `sha256_checked`. Reads `bytes`
  /// only until it returns. To make room, the longest unused chunks go; those used since
  /// `unused_since` stay: a load that is larger than the cache must not push itself out.
  void Put(const ChunkDigest& digest, absl::string_view bytes, bool sha256_checked,
           absl::Time unused_since = absl::InfiniteFuture());

  /// The time that chunks are stamped with.
  absl::Time Now() { return clock_.Now(); }

  /// Blocks until every chunk handed over is in the cache, or is given up.
  void Flush();

 private:
  struct Draft {
    std::shared_ptr<CacheFolder> folder;
    std::string name;
    Sha256Digest sha256 = {};
  };

  DiskCache(const DiskCacheOptions& options, Clock& clock, LogSink& log)
      : options_(options), clock_(clock), log_(log) {}

  // The folder to write to; null when the chunk is not to be written.
  std::shared_ptr<CacheFolder> BeginPut(const Sha256Digest& sha256, absl::Time unused_since);
  void EndPut(const Sha256Digest& sha256);
  // The draft's name; empty when there is none.
  std::string Write(const Draft& draft, absl::string_view bytes, absl::Time unused_since);
  void Prove(const Draft& draft);
  void Commit(const Draft& draft);
  void Open();
  void GiveUp(const absl::Status& why);
  void Work();

  // Constant after construction.
  const DiskCacheOptions options_;
  Clock& clock_;
  LogSink& log_;

  // Guarded by mu_.
  absl::Mutex mu_;
  std::shared_ptr<CacheFolder> folder_ ABSL_GUARDED_BY(mu_);
  // Must be opened again before something is written.
  bool broken_ ABSL_GUARDED_BY(mu_) = true;
  bool reopen_ ABSL_GUARDED_BY(mu_) = false;
  bool complained_ ABSL_GUARDED_BY(mu_) = false;
  bool told_of_damage_ ABSL_GUARDED_BY(mu_) = false;
  absl::Time paused_until_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  // There was no room for a load of this time.
  absl::Time full_for_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  // Chunks that are being written: equal chunks of one version come at the same time.
  std::set<Sha256Digest> writing_ ABSL_GUARDED_BY(mu_);
  std::deque<Draft> drafts_ ABSL_GUARDED_BY(mu_);
  bool working_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::thread thread_;  // declared last: first to die
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_DISK_CACHE_H_

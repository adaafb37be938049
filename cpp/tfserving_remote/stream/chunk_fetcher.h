// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_CHUNK_FETCHER_H_
#define TFSERVING_REMOTE_STREAM_CHUNK_FETCHER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tfserving_remote/base/byte_range.h"
#include "tfserving_remote/base/cancellation.h"
#include "tfserving_remote/manifest/manifest.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// An object as it was when its version was opened.
struct PinnedObject {
  ObjectInfo info;
  /// Digests of its chunks; null without a manifest. Borrowed from the manifest.
  const std::vector<ChunkDigest>* digests = nullptr;
  uint64_t chunk_size = 0;
};

/// Compares `bytes` with a digest; DATA_LOSS says expected and found.
absl::Status CheckChunk(const ChunkDigest& digest, absl::string_view bytes, bool check_sha256);

class DiskCache;

/// Reads ranges of the pinned objects of one version and lets nothing through that the manifest
/// does not vouch for. A chunk with a wrong digest is fetched once more: most flips happen on the
/// way. Chunks that the cache has are not fetched; those that it lacks are given to it. The first
/// failure sticks and stops everything else.
///
/// Units:    bytes.
/// Errors:   as VersionReader.
/// Threads:  safe to call from any thread; Fetch blocks.
/// Lifetime: outlives its calls; `on_failure` must not wait for them.
class ChunkFetcher {
 public:
  /// `cache` may be null.
  ChunkFetcher(std::shared_ptr<ObjectStore> store, bool check_sha256,
               std::shared_ptr<DiskCache> cache);

  /// Reads `into.size()` bytes from `offset`, the beginning of a chunk, up to the end of one.
  absl::Status Fetch(const PinnedObject& object, uint64_t offset, absl::Span<char> into);

  /// Keeps the first failure and cancels transfers in progress. Returns what was kept.
  absl::Status Fail(const absl::Status& status);
  /// OK or the first failure.
  absl::Status status() const;

  const ObjectStore& store() const { return *store_; }
  uint64_t fetched_bytes() const { return fetched_bytes_.load(std::memory_order_relaxed); }
  uint64_t cached_bytes() const { return cached_bytes_.load(std::memory_order_relaxed); }
  uint64_t requests() const { return requests_.load(std::memory_order_relaxed); }

 private:
  // Takes chunks from the cache and fetches the runs of chunks in between.
  absl::Status FetchUncached(const PinnedObject& object, uint64_t offset, absl::Span<char> into);
  absl::Status FetchVerified(const PinnedObject& object, uint64_t offset, absl::Span<char> into);
  absl::Status Get(const PinnedObject& object, uint64_t offset, absl::Span<char> into);
  absl::Status Verify(const PinnedObject& object, uint64_t offset, absl::Span<char> bytes);

  // Constant after construction.
  const std::shared_ptr<ObjectStore> store_;
  const bool check_sha256_;
  const std::shared_ptr<DiskCache> cache_;
  const absl::Time opened_;

  // Synchronise themselves.
  Cancellation cancellation_;
  std::atomic<uint64_t> fetched_bytes_{0};
  std::atomic<uint64_t> cached_bytes_{0};
  std::atomic<uint64_t> requests_{0};

  // Guarded by mu_.
  mutable absl::Mutex mu_;
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_CHUNK_FETCHER_H_

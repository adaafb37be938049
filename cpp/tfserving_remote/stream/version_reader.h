// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_VERSION_READER_H_
#define TFSERVING_REMOTE_STREAM_VERSION_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tfserving_remote/base/storage_url.h"
#include "tfserving_remote/manifest/manifest.h"
#include "tfserving_remote/manifest/trusted_keys.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// What to do about manifests; the flag --remote_manifest.
enum class ManifestMode {
  /// Only versions with a manifest exist.
  kRequired,
  /// A manifest is used where there is one.
  kPreferred,
  /// Manifests are not looked at.
  kIgnored,
};

struct VersionFile {
  /// Relative path inside the version.
  std::string path;
  /// Bytes.
  uint64_t size = 0;
};

/// Progress and cost of reading one version.
struct StreamStats {
  /// Of all files, unpacked; the packed size while an archive without a manifest is not read to its
  /// end.
  uint64_t total_bytes = 0;
  /// Fetched from the store, verified.
  uint64_t fetched_bytes = 0;
  /// Taken from the cache on this machine's disk instead, verified.
  uint64_t cached_bytes = 0;
  uint64_t requests = 0;
};

/// The files of one version, read while they arrive. What Read hands out has been verified against
/// the manifest, and every range comes from the object that was pinned when the version was opened.
///
/// Units:    bytes.
/// Errors:   NOT_FOUND (no such file), OUT_OF_RANGE never (callers know the size), DATA_LOSS (a
///           digest does not match; says key, chunk, expected and found), FAILED_PRECONDITION (an
///           object changed while it was read), CANCELLED, and what the store says. The first fatal
///           error sticks: later reads return it again.
/// Threads:  safe to call from any thread; Read blocks until the bytes are there.
/// Lifetime: the destructor cancels and waits for transfers in progress.
class VersionReader {
 public:
  virtual ~VersionReader() = default;

  /// All files, sorted by path. For an archive without a manifest this blocks until the archive is
  /// read to its end.
  virtual absl::StatusOr<std::vector<VersionFile>> Files() = 0;
  /// NOT_FOUND when the version has no such file.
  virtual absl::StatusOr<uint64_t> FileSize(absl::string_view path) = 0;
  /// Reads exactly `into.size()` bytes.
  virtual absl::Status Read(absl::string_view path, uint64_t offset, absl::Span<char> into) = 0;

  /// Null without a manifest.
  virtual const Manifest* manifest() const = 0;
  virtual StreamStats stats() const = 0;
  /// What people call the place of the version: "s3://bucket/models/m/3".
  virtual const std::string& url() const = 0;
  /// ListingFingerprint of the objects as they were when the version was opened: all below
  /// `<base>/<name>/` or the archive, and the manifest and the signature if they were read.
  virtual const std::string& fingerprint() const = 0;
  /// OK, or the first fatal error.
  virtual absl::Status status() const = 0;
  /// Gives back the memory of what only a load reads: the variables and the graph. Assets stay
  /// readable, since operations may open them later. Blocks until an archive has come to its end;
  /// status() says afterwards whether it was complete.
  virtual void ReleaseAfterLoad() = 0;
  /// Ends transfers; reads in progress and later ones return CANCELLED.
  virtual void Cancel() = 0;
};

/// Where one version lies: what a StoragePath of the source says.
struct VersionLocation {
  std::shared_ptr<ObjectStore> store;
  /// Key of the base path in the store, with a trailing '/' unless empty.
  std::string base_key;
  /// Last part of the path: "0000001" or "7.tar.gz".
  std::string path_name;
};

/// The location that the URL of a version means in its store. Pure.
VersionLocation LocateVersion(std::shared_ptr<ObjectStore> store, const StorageUrl& url);

/// Threads and memory that all streams of a process share (transfer_pool.h).
class TransferPool;
/// Chunks kept on disk (disk_cache.h).
class DiskCache;

struct VersionReaderOptions {
  ManifestMode manifest_mode = ManifestMode::kPreferred;
  /// Compares chunks with their sha256 too, not only with their crc32c. crc32c finds what happens
  /// by accident; a digest that an attacker cannot match is worth its time when the manifest is
  /// signed.
  bool check_sha256 = false;
  /// When set, only versions are read that one of these keys has signed, and check_sha256 is on
  /// whatever it says: the signature vouches for the manifest, the manifest for the chunks. Null:
  /// signatures are not looked at.
  std::shared_ptr<const TrustedKeys> trusted_keys;
  /// Bytes of one ranged GET.
  uint64_t range_bytes = 8 << 20;
  /// Files up to this size are fetched whole in one request.
  uint64_t small_file_bytes = 4 << 20;
  /// Largest unpacked size of an archive without a manifest.
  uint64_t max_unpacked_bytes = uint64_t{1} << 40;
  /// Chunks that it has are not fetched; of versions with a manifest. Null for none.
  std::shared_ptr<DiskCache> cache;
};

/// Lists and pins the objects of a version and reads its manifest; no file content yet. NOT_FOUND
/// when there is none, or no manifest although one is required; INVALID_ARGUMENT for a broken
/// manifest or signature; FAILED_PRECONDITION when the listing does not agree with the manifest
/// (names the file), or when nobody has signed although a signature is required; DATA_LOSS for a
/// signature that is of something or somebody else. `call` bounds and cancels the opening alone;
/// later, VersionReader::Cancel does. `fingerprint` (may be null) becomes
/// VersionReader::fingerprint() once the objects are known, also when the opening fails then.
absl::StatusOr<std::unique_ptr<VersionReader>> OpenVersion(VersionLocation location,
                                                           const VersionReaderOptions& options,
                                                           std::shared_ptr<TransferPool> pool,
                                                           const StoreCallOptions& call,
                                                           std::string* fingerprint = nullptr);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_VERSION_READER_H_

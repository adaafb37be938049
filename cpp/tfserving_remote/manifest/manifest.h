// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_MANIFEST_MANIFEST_H_
#define TFSERVING_REMOTE_MANIFEST_MANIFEST_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tfserving_remote {

/// Digests of one chunk of a file or an archive.
struct ChunkDigest {
  uint32_t crc32c = 0;
  std::array<uint8_t, 32> sha256 = {};

  friend bool operator==(const ChunkDigest& a, const ChunkDigest& b) {
    return a.crc32c == b.crc32c && a.sha256 == b.sha256;
  }
};

/// Size and digests of a run of bytes that is read in chunks of Manifest::chunk_size.
struct ManifestFile {
  /// Relative, '/'-separated, checked by IsSafeRelativePath; for an archive the object's name.
  std::string path;
  /// Bytes.
  uint64_t size = 0;
  std::array<uint8_t, 32> sha256 = {};
  /// Chunk i covers bytes [i * chunk_size, min(size, (i + 1) * chunk_size)).
  std::vector<ChunkDigest> chunks;
};

/// What a version consists of, as its publisher wrote it: docs/manifest.md. Signatures,
/// preprocessing and free metadata are kept as the JSON text they were, for those who ask for them.
struct Manifest {
  int64_t schema_version = 1;
  int64_t version = 0;
  std::string created_at;
  std::string tensorflow_version;
  uint64_t chunk_size = 0;
  /// Sum of the files' sizes.
  uint64_t total_size = 0;
  /// Set when the version is one object.
  std::optional<ManifestFile> archive;
  /// Sorted by path.
  std::vector<ManifestFile> files;
  std::string signatures_json;
  std::string preprocessing_json;
  std::map<std::string, std::string> metadata;
};

/// Bounds of what ParseManifest accepts; a manifest comes from outside.
struct ManifestLimits {
  uint64_t max_bytes = 256 << 20;
  uint64_t max_files = 1'000'000;
  uint64_t min_chunk_size = 64 << 10;
  /// A chunk is held in memory while it is checked.
  uint64_t max_chunk_size = 1 << 30;
  int max_depth = 64;
};

/// Reads and checks a manifest. Pure. INVALID_ARGUMENT says which field of which file is wrong and
/// why.
absl::StatusOr<Manifest> ParseManifest(absl::string_view json, const ManifestLimits& limits = {});

/// True for a relative path that cannot leave the version and means the same on every system: no
/// empty, "." or ".." part, no leading '/', no backslash, no control character, valid UTF-8, at
/// most 1024 bytes.
bool IsSafeRelativePath(absl::string_view path);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_MANIFEST_MANIFEST_H_

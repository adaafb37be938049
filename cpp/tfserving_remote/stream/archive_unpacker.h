// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_ARCHIVE_UNPACKER_H_
#define TFSERVING_REMOTE_STREAM_ARCHIVE_UNPACKER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tfserving_remote/manifest/version_name.h"

namespace tfserving_remote {

/// Takes the members of an archive, one after the other.
///
/// Units:    bytes.
/// Errors:   every call may refuse, which ends the unpacking with that status.
/// Threads:  called by the unpacking thread alone.
/// Lifetime: outlives the unpacking.
class MemberSink {
 public:
  virtual ~MemberSink() = default;
  /// A regular file begins. `path` is safe and without the leading version folder; `offset` is
  /// where its bytes lie in the archive, unpacked. Gives the memory for its bytes, or an empty span
  /// for a file whose bytes nobody wants.
  virtual absl::StatusOr<absl::Span<char>> Begin(const std::string& path, uint64_t size,
                                                 uint64_t offset) = 0;
  /// The first `bytes` of the current member are there. `bytes` grows up to its size.
  virtual absl::Status Arrived(uint64_t bytes) = 0;
  /// The current member is complete.
  virtual absl::Status End() = 0;
};

struct UnpackOptions {
  VersionPacking packing = VersionPacking::kTar;
  /// Of the version, for the leading folder: "0000007".
  std::string version_name;
  /// Announced sizes of all members together.
  uint64_t max_unpacked_bytes = uint64_t{1} << 40;
  /// Files and folders.
  uint64_t max_members = 1'000'000;
};

/// Gives the packed bytes piece by piece; an empty piece is the end.
using NextBytes = std::function<absl::StatusOr<absl::Span<const char>>()>;
/// Passes over packed bytes that nobody wants; returns how many, at most as many as asked.
using SkipBytes = std::function<int64_t(int64_t bytes)>;

/// Unpacks a tar archive. What could be written outside of a folder, read from outside of the
/// archive or take memory that nobody announced is refused: INVALID_ARGUMENT for absolute and `..`
/// paths, links, devices, sparse and duplicate members, a leading folder of another version, more
/// than was allowed. DATA_LOSS for an archive that is cut off or damaged. Messages name the member.
/// `skip` may be empty.
absl::Status UnpackArchive(const UnpackOptions& options, const NextBytes& next, MemberSink& sink,
                           const SkipBytes& skip = nullptr);

/// The path inside the version: without "./" and without a leading folder of the version's own
/// name. INVALID_ARGUMENT for a path that could leave the version and for the folder of another
/// version. "" for the version's folder itself. Pure.
absl::StatusOr<std::string> MemberPath(absl::string_view member, absl::string_view version_name);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_ARCHIVE_UNPACKER_H_

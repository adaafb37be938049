// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_TAR_INDEX_H_
#define TFSERVING_REMOTE_STREAM_TAR_INDEX_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tfserving_remote/stream/archive_unpacker.h"

namespace tfserving_remote {

struct TarMember {
  std::string path;
  /// Bytes.
  uint64_t size = 0;
  /// Of its bytes in the archive.
  uint64_t offset = 0;
};

/// Where the files of a tar archive lie, sorted by path. Reads the headers and passes over what is
/// between them. Errors as UnpackArchive, and those of `read`.
absl::StatusOr<std::vector<TarMember>> IndexTar(
    const UnpackOptions& options, uint64_t archive_size,
    const std::function<absl::Status(uint64_t offset, absl::Span<char> into)>& read);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_TAR_INDEX_H_

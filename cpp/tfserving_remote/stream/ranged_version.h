// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_RANGED_VERSION_H_
#define TFSERVING_REMOTE_STREAM_RANGED_VERSION_H_

#include <memory>
#include <string>
#include <vector>

#include "tfserving_remote/stream/block_cache.h"
#include "tfserving_remote/stream/chunk_fetcher.h"
#include "tfserving_remote/stream/transfer_pool.h"
#include "tfserving_remote/stream/version_contents.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tfserving_remote {

/// A version whose files are objects. Blocks that lie wholly inside a read are fetched by parallel
/// ranged GETs straight into the reader's memory and verified there; blocks at its edges come
/// through a cache, so that the neighbouring read need not fetch them again.
class RangedVersion final : public VersionReader {
 public:
  RangedVersion(VersionContents contents, const VersionReaderOptions& options,
                std::shared_ptr<TransferPool> pool);
  ~RangedVersion() override;

  absl::StatusOr<std::vector<VersionFile>> Files() override { return contents_.files; }
  absl::StatusOr<uint64_t> FileSize(absl::string_view path) override;
  absl::Status Read(absl::string_view path, uint64_t offset, absl::Span<char> into) override;
  const Manifest* manifest() const override { return contents_.manifest.get(); }
  StreamStats stats() const override;
  const std::string& url() const override { return contents_.url; }
  const std::string& fingerprint() const override { return contents_.fingerprint; }
  absl::Status status() const override { return fetcher_.status(); }
  void ReleaseAfterLoad() override { cache_.Clear(); }
  void Cancel() override;

 private:
  class Latch;

  absl::StatusOr<size_t> Find(absl::string_view path) const;
  absl::Status ReadPieces(size_t file, uint64_t offset, absl::Span<char> into);
  absl::Status CopyOut(
      const std::vector<std::pair<ReadPiece, std::shared_ptr<BlockCache::Entry>>>& cached,
      const GriddedObject& object, uint64_t offset, absl::Span<char> into);

  // Constant after construction.
  const VersionContents contents_;
  const std::vector<GriddedObject> objects_;

  // Synchronise themselves.
  ChunkFetcher fetcher_;
  std::unique_ptr<TransferStream> stream_;
  BlockCache cache_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_RANGED_VERSION_H_

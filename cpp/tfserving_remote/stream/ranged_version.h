// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_RANGED_VERSION_H_
#define TFSERVING_REMOTE_STREAM_RANGED_VERSION_H_

#include <memory>
#include <string>
#include <vector>

#include "tfserving_remote/stream/block_cache.h"
#include "tfserving_remote/stream/chunk_fetcher.h"
#include "tfserving_remote/stream/tar_index.h"
#include "tfserving_remote/stream/transfer_pool.h"
#include "tfserving_remote/stream/version_contents.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tfserving_remote {

/// A version whose files are objects, or lie one after the other in an object that is not
/// compressed: a folder or a plain tar archive. Blocks that lie wholly inside a read are fetched by
/// parallel ranged GETs straight into the reader's memory and verified there; blocks at its edges
/// come through a cache, so that the neighbouring read need not fetch them again. The members of a
/// tar archive are found by the first call that needs them, going from header to header.
class RangedVersion final : public VersionReader {
 public:
  RangedVersion(VersionContents contents, const VersionReaderOptions& options,
                std::shared_ptr<TransferPool> pool);
  ~RangedVersion() override;

  absl::StatusOr<std::vector<VersionFile>> Files() override;
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

  // Where the bytes of a file lie.
  struct Place {
    size_t object = 0;
    uint64_t offset = 0;
  };

  absl::Status FindMembersOnce();
  absl::Status FindMembers();
  // Compares the members with the manifest and keeps those that it lists.
  absl::Status TakeListedMembers(std::vector<TarMember>& members);
  absl::StatusOr<size_t> Find(absl::string_view path);
  absl::Status ReadPieces(size_t number, uint64_t offset, absl::Span<char> into);
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

  // Constant once found_ is true.
  std::vector<VersionFile> files_;
  std::vector<Place> places_;

  // Guarded by mu_.
  absl::Mutex mu_;
  bool found_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_RANGED_VERSION_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_ARCHIVE_VERSION_H_
#define TFSERVING_REMOTE_STREAM_ARCHIVE_VERSION_H_

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tfserving_remote/stream/archive_bytes.h"
#include "tfserving_remote/stream/archive_unpacker.h"
#include "tfserving_remote/stream/chunk_fetcher.h"
#include "tfserving_remote/stream/page_buffer.h"
#include "tfserving_remote/stream/transfer_pool.h"
#include "tfserving_remote/stream/version_contents.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tfserving_remote {

/// A version in one archive. A thread unpacks it into memory while it arrives; a read waits until
/// its bytes are there and verified. The archive is not touched before somebody asks for content.
class ArchiveVersion final : public VersionReader {
 public:
  ArchiveVersion(VersionContents contents, const VersionReaderOptions& options,
                 std::shared_ptr<TransferPool> pool);
  ~ArchiveVersion() override;

  absl::StatusOr<std::vector<VersionFile>> Files() override;
  absl::StatusOr<uint64_t> FileSize(absl::string_view path) override;
  absl::Status Read(absl::string_view path, uint64_t offset, absl::Span<char> into) override;
  const Manifest* manifest() const override { return contents_.manifest.get(); }
  StreamStats stats() const override;
  const std::string& url() const override { return contents_.url; }
  const std::string& fingerprint() const override { return contents_.fingerprint; }
  absl::Status status() const override { return fetcher_.status(); }
  void ReleaseAfterLoad() override;
  void Cancel() override;

 private:
  struct Member {
    PageBuffer memory;
    uint64_t size = 0;
    // Bytes from the beginning that may be read.
    uint64_t verified = 0;
    bool released = false;
    // Of the manifest; null without one.
    const ManifestFile* listed = nullptr;
    int readers = 0;
  };
  using Members = std::map<std::string, Member, std::less<>>;

  // What the unpacking thread does with members.
  class Sink;

  void StartOnce();
  void Unpack();
  absl::Status CheckNothingMissing();
  // Blocks until the member is known, or cannot come.
  absl::StatusOr<Member*> Await(absl::string_view path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status NoSuchFile(absl::string_view path) const;

  // Constant after construction.
  const VersionContents contents_;
  const VersionReaderOptions options_;

  // Synchronise themselves.
  ChunkFetcher fetcher_;
  std::unique_ptr<TransferStream> stream_;
  ArchiveBytes bytes_;

  // Guarded by mu_. Members stay where they are once they are in the map.
  mutable absl::Mutex mu_;
  Members members_ ABSL_GUARDED_BY(mu_);
  bool started_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // joined by the destructor
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_ARCHIVE_VERSION_H_

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/chunk_fetcher.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/manifest/digest.h"

namespace tfserving_remote {

absl::Status CheckChunk(const ChunkDigest& digest, absl::string_view bytes, bool check_sha256) {
  const uint32_t crc32c = Crc32c(bytes);
  if (crc32c != digest.crc32c) {
    return absl::DataLossError(absl::StrCat("crc32c expected ", Crc32cToHex(digest.crc32c),
                                            ", found ", Crc32cToHex(crc32c)));
  }
  if (!check_sha256) return absl::OkStatus();
  const Sha256Digest sha256 = Sha256(bytes);
  if (sha256 == digest.sha256) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("sha256 expected ", ToHex(digest.sha256), ", found ", ToHex(sha256)));
}

absl::Status ChunkFetcher::Fetch(const PinnedObject& object, uint64_t offset,
                                 absl::Span<char> into) {
  if (absl::Status failed = status(); !failed.ok()) return failed;
  absl::Status fetched = Get(object, offset, into);
  if (fetched.ok() && object.digests != nullptr) fetched = Verify(object, offset, into);
  return fetched.ok() ? fetched : Fail(fetched);
}

absl::Status ChunkFetcher::Get(const PinnedObject& object, uint64_t offset, absl::Span<char> into) {
  StoreCallOptions options;
  options.cancellation = &cancellation_;
  requests_.fetch_add(1, std::memory_order_relaxed);
  absl::Status read = store_->Read(object.info.key, object.info.tag, offset, into, options);
  if (read.ok()) fetched_bytes_.fetch_add(into.size(), std::memory_order_relaxed);
  // TensorFlow would take it for the end of the file. The object was longer when it was pinned.
  if (absl::IsOutOfRange(read)) return absl::FailedPreconditionError(read.message());
  return read;
}

absl::Status ChunkFetcher::Verify(const PinnedObject& object, uint64_t offset,
                                  absl::Span<char> bytes) {
  for (size_t begin = 0; begin < bytes.size(); begin += object.chunk_size) {
    const uint64_t chunk = (offset + begin) / object.chunk_size;
    const absl::Span<char> in_chunk = bytes.subspan(begin, object.chunk_size);
    const absl::string_view view(in_chunk.data(), in_chunk.size());
    const ChunkDigest& digest = (*object.digests)[chunk];
    if (CheckChunk(digest, view, check_sha256_).ok()) continue;
    if (absl::Status again = Get(object, offset + begin, in_chunk); !again.ok()) return again;
    absl::Status checked = CheckChunk(digest, view, check_sha256_);
    if (checked.ok()) continue;
    return absl::DataLossError(absl::StrCat(
        "GET ", store_->Url(object.info.key), ": chunk ", chunk, " (bytes ", offset + begin, "-",
        offset + begin + in_chunk.size() - 1, ") is not what the manifest says, twice: ",
        checked.message(), "; publish the version again"));
  }
  return absl::OkStatus();
}

absl::Status ChunkFetcher::Fail(const absl::Status& status) {
  absl::Status kept;
  {
    absl::MutexLock lock(&mu_);
    failure_.Update(status);
    kept = failure_;
  }
  cancellation_.Cancel();
  return kept;
}

absl::Status ChunkFetcher::status() const {
  absl::MutexLock lock(&mu_);
  return failure_;
}

}  // namespace tfserving_remote

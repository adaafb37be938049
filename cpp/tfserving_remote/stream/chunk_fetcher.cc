// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/chunk_fetcher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/manifest/digest.h"
#include "tfserving_remote/stream/disk_cache.h"

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

ChunkFetcher::ChunkFetcher(std::shared_ptr<ObjectStore> store, bool check_sha256,
                           std::shared_ptr<DiskCache> cache)
    : store_(std::move(store)),
      check_sha256_(check_sha256),
      cache_(std::move(cache)),
      opened_(cache_ == nullptr ? absl::InfinitePast() : cache_->Now()) {}

absl::Status ChunkFetcher::Fetch(const PinnedObject& object, uint64_t offset,
                                 absl::Span<char> into) {
  if (absl::Status failed = status(); !failed.ok()) return failed;
  const bool cacheable = cache_ != nullptr && object.digests != nullptr;
  const absl::Status fetched =
      cacheable ? FetchUncached(object, offset, into) : FetchVerified(object, offset, into);
  return fetched.ok() ? fetched : Fail(fetched);
}

absl::Status ChunkFetcher::FetchUncached(const PinnedObject& object, uint64_t offset,
                                         absl::Span<char> into) {
  size_t run = 0;  // begin of the chunks that must be fetched
  for (size_t begin = 0; begin < into.size(); begin += object.chunk_size) {
    const absl::Span<char> in_chunk = into.subspan(begin, object.chunk_size);
    const ChunkDigest& digest = (*object.digests)[(offset + begin) / object.chunk_size];
    if (!cache_->Get(digest, check_sha256_, in_chunk)) continue;
    cached_bytes_.fetch_add(in_chunk.size(), std::memory_order_relaxed);
    const absl::Status fetched =
        FetchVerified(object, offset + run, into.subspan(run, begin - run));
    if (!fetched.ok()) return fetched;
    run = begin + in_chunk.size();
  }
  return FetchVerified(object, offset + run, into.subspan(run));
}

absl::Status ChunkFetcher::FetchVerified(const PinnedObject& object, uint64_t offset,
                                         absl::Span<char> into) {
  if (into.empty()) return absl::OkStatus();
  const absl::Status got = Get(object, offset, into);
  return got.ok() && object.digests != nullptr ? Verify(object, offset, into) : got;
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
    absl::Status checked = CheckChunk(digest, view, check_sha256_);
    if (!checked.ok()) {
      if (absl::Status again = Get(object, offset + begin, in_chunk); !again.ok()) return again;
      checked = CheckChunk(digest, view, check_sha256_);
    }
    if (checked.ok()) {
      if (cache_ != nullptr) cache_->Put(digest, view, check_sha256_, opened_);
      continue;
    }
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

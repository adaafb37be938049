// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/chunk_fetcher.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/stream/disk_cache.h"
#include "tfserving_remote/stream/test_archives.h"
#include "tfserving_remote/stream/test_versions.h"
#include "tfserving_remote/stream/transfer_pool.h"
#include "tfserving_remote/testing/fake_clock.h"
#include "tfserving_remote/testing/recording_log.h"

namespace tfserving_remote {
namespace {

constexpr uint64_t kChunk = 64 << 10;

// Versions that are read by one process after the other, which share a cache on disk.
class CachedVersionTest : public ::testing::Test {
 protected:
  CachedVersionTest() {
    cache_.folder =
        ::testing::TempDir() + absl::StrCat("tfsr_cached_version_", std::random_device()());
    options_.range_bytes = 5 * kChunk;
    options_.small_file_bytes = 8 << 10;
  }
  ~CachedVersionTest() override { std::filesystem::remove_all(cache_.folder); }

  void PutVersion(int64_t version, const TestFiles& files) {
    PutFiles(*store_, absl::StrCat("m/", version, "/"), files);
    store_->Put(absl::StrCat("m/", version, ".manifest.json"),
                MakeTestManifest(version, files, kChunk));
  }

  // Reads all of a version in a process of its own.
  StreamStats ReadVersion(const std::string& name, const TestFiles& files) {
    options_.cache = *DiskCache::Create(cache_, clock_, log_);
    auto reader = OpenVersion({store_, "m/", name}, options_,
                              CreateTransferPool({connections_, 1 << 20}), {});
    EXPECT_TRUE(reader.ok()) << reader.status();
    for (const auto& [path, bytes] : files) {
      std::string read(bytes.size(), '\0');
      const absl::Status status = (*reader)->Read(path, 0, absl::MakeSpan(read));
      EXPECT_TRUE(status.ok()) << status;
      EXPECT_TRUE(read == bytes) << path;
    }
    options_.cache->Flush();
    options_.cache.reset();
    return (*reader)->stats();
  }

  int FilesInCache() const {
    const std::filesystem::path chunks =
        std::filesystem::path(cache_.folder) / "tfserving-remote-chunks" / "chunks";
    return static_cast<int>(std::distance(std::filesystem::directory_iterator(chunks),
                                          std::filesystem::directory_iterator()));
  }

  const std::string big_ = TestBytes(20 * kChunk + 777, 1);
  const TestFiles files_ = {
      {"assets/words", "a\nb"}, {"saved_model.pb", TestBytes(5000, 3)}, {"variables/big", big_}};
  const uint64_t size_ = 20 * kChunk + 777 + 5000 + 3;
  DiskCacheOptions cache_;
  VersionReaderOptions options_;
  int connections_ = 4;
  FakeClock clock_;
  RecordingLog log_;
  const std::shared_ptr<MemoryStore> store_ = std::make_shared<MemoryStore>();
};

TEST_F(CachedVersionTest, ARestartFetchesNoChunk) {
  PutVersion(1, files_);
  const StreamStats cold = ReadVersion("1", files_);
  EXPECT_EQ(cold.fetched_bytes, size_);
  EXPECT_EQ(cold.cached_bytes, 0);
  const MemoryStore::Counts before = store_->counts();
  const StreamStats warm = ReadVersion("1", files_);
  EXPECT_EQ(warm.fetched_bytes, 0);
  EXPECT_EQ(warm.requests, 0);
  EXPECT_EQ(warm.cached_bytes, size_);
  EXPECT_EQ(store_->counts().read, before.read);
  EXPECT_EQ(store_->counts().read_all, before.read_all + 1) << "the manifest";
}

TEST_F(CachedVersionTest, ChecksTheSha256OfWhatIsCachedToo) {
  options_.check_sha256 = true;
  PutVersion(1, files_);
  (void)ReadVersion("1", files_);
  EXPECT_EQ(ReadVersion("1", files_).cached_bytes, size_);
}

TEST_F(CachedVersionTest, AVersionThatSharesChunksFetchesOnlyWhatChanged) {
  PutVersion(1, files_);
  (void)ReadVersion("1", files_);
  TestFiles changed = files_;
  for (uint64_t chunk : {4, 13}) changed["variables/big"][chunk * kChunk + 5] ^= 1;
  PutVersion(2, changed);
  const StreamStats stats = ReadVersion("2", changed);
  EXPECT_EQ(stats.fetched_bytes, 2 * kChunk);
  EXPECT_EQ(stats.requests, 2);
  EXPECT_EQ(stats.cached_bytes, size_ - 2 * kChunk);
  EXPECT_EQ(ReadVersion("1", files_).fetched_bytes, 0) << "the version before is still there";
}

TEST_F(CachedVersionTest, OfARangeOnlyTheRunsOfMissingChunksAreFetched) {
  const TestFiles one_range = {{"saved_model.pb", TestBytes(5 * kChunk, 7)}};
  PutVersion(1, one_range);
  (void)ReadVersion("1", one_range);
  TestFiles changed = one_range;
  for (uint64_t chunk : {0, 1, 3}) changed["saved_model.pb"][chunk * kChunk] ^= 1;
  PutVersion(2, changed);
  const StreamStats stats = ReadVersion("2", changed);
  EXPECT_EQ(stats.fetched_bytes, 3 * kChunk);
  EXPECT_EQ(stats.requests, 2) << "chunks 0-1 and chunk 3";
  EXPECT_EQ(stats.cached_bytes, 2 * kChunk);
}

TEST_F(CachedVersionTest, FetchesADamagedChunkAgain) {
  PutVersion(1, files_);
  (void)ReadVersion("1", files_);
  const std::string name = ToHex(Sha256(big_.substr(3 * kChunk, kChunk)));
  std::filesystem::resize_file(
      absl::StrCat(cache_.folder, "/tfserving-remote-chunks/chunks/", name), 10);
  EXPECT_EQ(ReadVersion("1", files_).fetched_bytes, kChunk);
  EXPECT_EQ(ReadVersion("1", files_).fetched_bytes, 0);
}

TEST_F(CachedVersionTest, KeepsTheChunksOfArchives) {
  for (VersionPacking packing : {VersionPacking::kTar, VersionPacking::kTarZst}) {
    const TestArchive archive = {absl::StrCat("3", PackingSuffix(packing)),
                                 PackFiles(packing, files_, "3/")};
    store_->Put("m/" + archive.name, archive.bytes);
    store_->Put("m/3.manifest.json", MakeTestManifest(3, files_, kChunk, &archive));
    EXPECT_GT(ReadVersion(archive.name, files_).fetched_bytes, big_.size() / 2);
    const StreamStats warm = ReadVersion(archive.name, files_);
    EXPECT_EQ(warm.fetched_bytes, 0) << archive.name;
    EXPECT_GT(warm.cached_bytes, big_.size() / 2) << archive.name;
  }
}

TEST_F(CachedVersionTest, KeepsNothingOfAVersionWithoutAManifest) {
  PutFiles(*store_, "m/1/", files_);
  (void)ReadVersion("1", files_);
  EXPECT_EQ(FilesInCache(), 0);
  EXPECT_EQ(ReadVersion("1", files_).fetched_bytes, size_);
}

TEST_F(CachedVersionTest, KeepsNothingThatTheManifestDoesNotVouchFor) {
  PutVersion(1, files_);
  std::string wrong = big_;
  wrong[3 * kChunk] ^= 1;
  store_->Put("m/1/variables/big", wrong);
  options_.cache = *DiskCache::Create(cache_, clock_, log_);
  auto reader = OpenVersion({store_, "m/", "1"}, options_, CreateTransferPool({4, 1 << 20}), {});
  ASSERT_TRUE(reader.ok()) << reader.status();
  std::string read(kChunk, '\0');
  EXPECT_TRUE(absl::IsDataLoss((*reader)->Read("variables/big", 3 * kChunk, absl::MakeSpan(read))));
  options_.cache->Flush();
  const ChunkDigest found = {Crc32c(wrong.substr(3 * kChunk, kChunk)),
                             Sha256(wrong.substr(3 * kChunk, kChunk))};
  EXPECT_FALSE(options_.cache->Get(found, false, absl::MakeSpan(read)));
}

TEST_F(CachedVersionTest, ReadsAVersionLargerThanTheCache) {
  cache_.max_bytes = 8 * kChunk;
  options_.range_bytes = kChunk;
  connections_ = 1;
  PutVersion(1, files_);
  (void)ReadVersion("1", files_);
  clock_.Advance(absl::Minutes(1));
  const StreamStats stats = ReadVersion("1", files_);
  EXPECT_GE(stats.cached_bytes, 4 * kChunk);
  EXPECT_EQ(stats.cached_bytes + stats.fetched_bytes, size_);
}

}  // namespace
}  // namespace tfserving_remote

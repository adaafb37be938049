// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/disk_cache.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/stream/test_versions.h"
#include "tfserving_remote/testing/fake_clock.h"
#include "tfserving_remote/testing/recording_log.h"

namespace tfserving_remote {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kChunk = 64 << 10;

ChunkDigest DigestOf(absl::string_view bytes) { return {Crc32c(bytes), Sha256(bytes)}; }

std::string Chunk(uint64_t seed) { return TestBytes(kChunk, seed); }

std::vector<fs::path> FilesIn(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code gone;
  for (auto it = fs::recursive_directory_iterator(folder, gone);
       it != fs::recursive_directory_iterator(); it.increment(gone)) {
    if (it->is_regular_file(gone)) files.push_back(it->path());
  }
  return files;
}

uint64_t BytesIn(const fs::path& folder) {
  uint64_t bytes = 0;
  std::error_code gone;
  for (const fs::path& file : FilesIn(folder)) {
    const uint64_t size = fs::file_size(file, gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

void Overwrite(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

mode_t ModeOf(const fs::path& path) {
  struct stat facts = {};
  EXPECT_EQ(lstat(path.c_str(), &facts), 0) << path;
  return facts.st_mode & 07777;
}

class DiskCacheTest : public ::testing::Test {
 protected:
  DiskCacheTest() {
    folder_ = fs::path(::testing::TempDir()) / absl::StrCat("tfsr_cache_", std::random_device()());
    options_.folder = folder_ / "cache";
    options_.max_bytes = 100 * kChunk;
    fs::create_directories(folder_);
  }
  ~DiskCacheTest() override { fs::remove_all(folder_); }

  std::shared_ptr<DiskCache> Open() {
    auto cache = DiskCache::Create(options_, clock_, log_);
    EXPECT_TRUE(cache.ok()) << cache.status();
    return *std::move(cache);
  }

  // A second later than what was before.
  void Put(DiskCache& cache, const std::string& bytes,
           absl::Time unused_since = absl::InfiniteFuture()) {
    clock_.Advance(absl::Seconds(1));
    cache.Put(DigestOf(bytes), bytes, /*sha256_checked=*/true, unused_since);
  }

  bool Has(DiskCache& cache, const std::string& bytes, bool check_sha256 = false) {
    clock_.Advance(absl::Seconds(1));
    std::string read(bytes.size(), '\0');
    if (!cache.Get(DigestOf(bytes), check_sha256, absl::MakeSpan(read))) return false;
    EXPECT_TRUE(read == bytes);
    return true;
  }

  fs::path root() const { return fs::path(options_.folder) / "tfserving-remote-chunks"; }
  fs::path FileOf(const std::string& bytes) const {
    return root() / "chunks" / ToHex(Sha256(bytes));
  }

  fs::path folder_;
  DiskCacheOptions options_;
  FakeClock clock_;
  RecordingLog log_;
};

TEST_F(DiskCacheTest, GivesBackWhatItWasGivenAlsoToTheNextProcess) {
  auto cache = Open();
  EXPECT_FALSE(Has(*cache, Chunk(1)));
  Put(*cache, Chunk(1));
  Put(*cache, "");
  EXPECT_TRUE(Has(*cache, Chunk(1)));
  EXPECT_TRUE(Has(*cache, ""));
  cache.reset();
  cache = Open();
  EXPECT_TRUE(Has(*cache, Chunk(1), /*check_sha256=*/true));
  EXPECT_FALSE(Has(*cache, Chunk(2)));
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(DiskCacheTest, RefusesOptionsThatCannotWork) {
  for (const char* folder : {"", "s3://bucket/cache"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(DiskCache::Create({folder, 1}, clock_, log_).status()));
  }
  EXPECT_TRUE(
      absl::IsInvalidArgument(DiskCache::Create({options_.folder, 0}, clock_, log_).status()));
}

TEST_F(DiskCacheTest, NamesAChunkOnlyOnceItsSha256IsKnownToBeRight) {
  const auto cache = Open();
  const std::string poison = Chunk(1);
  ChunkDigest claimed = DigestOf(Chunk(2));
  claimed.crc32c = Crc32c(poison);
  cache->Put(claimed, poison, /*sha256_checked=*/false);
  cache->Put(DigestOf(Chunk(3)), Chunk(3), /*sha256_checked=*/false);
  cache->Flush();
  std::string read(kChunk, '\0');
  EXPECT_FALSE(cache->Get(claimed, false, absl::MakeSpan(read)));
  EXPECT_TRUE(Has(*cache, Chunk(3)));
  EXPECT_THAT(FilesIn(root()), SizeIs(2)) << "the lock and the good chunk";
}

TEST_F(DiskCacheTest, FindsDamagedChunksByTheirDigestAndRemovesThem) {
  const auto cache = Open();
  for (uint64_t seed : {1, 2, 3}) Put(*cache, Chunk(seed));
  std::string flipped = Chunk(1);
  flipped[kChunk / 2] ^= 1;
  Overwrite(FileOf(Chunk(1)), flipped);
  fs::resize_file(FileOf(Chunk(2)), kChunk / 3);           // torn
  Overwrite(FileOf(Chunk(3)), std::string(kChunk, '\0'));  // its blocks never reached the disk
  for (uint64_t seed : {1, 2, 3}) {
    EXPECT_FALSE(Has(*cache, Chunk(seed))) << seed;
    EXPECT_FALSE(fs::exists(FileOf(Chunk(seed)))) << seed;
    Put(*cache, Chunk(seed));
    EXPECT_TRUE(Has(*cache, Chunk(seed))) << seed;
  }
  EXPECT_EQ(log_.Count("removed the damaged chunk"), 1);
}

TEST_F(DiskCacheTest, ComparesTheSha256WhenItIsTold) {
  const auto cache = Open();
  Put(*cache, Chunk(1));
  Overwrite(FileOf(Chunk(1)), Chunk(2));
  const ChunkDigest same_crc32c = {Crc32c(Chunk(2)), Sha256(Chunk(1))};
  std::string read(kChunk, '\0');
  EXPECT_TRUE(cache->Get(same_crc32c, false, absl::MakeSpan(read)));
  EXPECT_FALSE(cache->Get(same_crc32c, true, absl::MakeSpan(read)));
  EXPECT_FALSE(fs::exists(FileOf(Chunk(1))));
}

TEST_F(DiskCacheTest, TheLongestUnusedGoFirst) {
  options_.max_bytes = 3 * kChunk;
  const auto cache = Open();
  for (uint64_t seed : {1, 2, 3}) Put(*cache, Chunk(seed));
  EXPECT_TRUE(Has(*cache, Chunk(1)));
  Put(*cache, Chunk(4));
  EXPECT_FALSE(fs::exists(FileOf(Chunk(2))));
  EXPECT_TRUE(Has(*cache, Chunk(3)));
  Put(*cache, Chunk(5));
  EXPECT_FALSE(fs::exists(FileOf(Chunk(1))));
  Put(*cache, Chunk(6));
  EXPECT_FALSE(fs::exists(FileOf(Chunk(4))));
  for (uint64_t seed : {3, 5, 6}) EXPECT_TRUE(Has(*cache, Chunk(seed)));
}

TEST_F(DiskCacheTest, NeverTakesMoreThanItMayAlsoInWholePages) {
  options_.max_bytes = 10 * kChunk + 123;
  const auto cache = Open();
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Put(*cache, TestBytes(1 + seed * 1777 % (3 * kChunk), seed));
    ASSERT_LE(BytesIn(root() / "chunks"), options_.max_bytes);
  }
  EXPECT_GT(BytesIn(root() / "chunks"), options_.max_bytes / 2);
  Put(*cache, TestBytes(11 * kChunk, 1));
  EXPECT_FALSE(Has(*cache, TestBytes(11 * kChunk, 1)));
  EXPECT_GT(BytesIn(root() / "chunks"), options_.max_bytes / 2) << "for nothing";
  Put(*cache, Chunk(99));
  EXPECT_TRUE(Has(*cache, Chunk(99)));
  for (uint64_t seed = 0; seed < 200; ++seed) Put(*cache, TestBytes(10, 1000 + seed));
  EXPECT_LE(FilesIn(root() / "chunks").size(), options_.max_bytes / 4096);
}

TEST_F(DiskCacheTest, ALoadThatIsTooLargeDoesNotPushItselfOut) {
  options_.max_bytes = 3 * kChunk;
  const auto cache = Open();
  Put(*cache, Chunk(9));
  const absl::Time begin = clock_.Now() + absl::Milliseconds(1);
  for (uint64_t seed : {1, 2, 3, 4, 5}) Put(*cache, Chunk(seed), begin);
  EXPECT_FALSE(Has(*cache, Chunk(9))) << "older than the load";
  for (uint64_t seed : {1, 2, 3}) EXPECT_TRUE(Has(*cache, Chunk(seed))) << seed;
  Put(*cache, Chunk(6), clock_.Now());
  EXPECT_TRUE(Has(*cache, Chunk(6))) << "the next load";
}

TEST_F(DiskCacheTest, ALowerLimitHoldsFromTheStart) {
  for (uint64_t seed = 0; seed < 8; ++seed) Put(*Open(), Chunk(seed));
  options_.max_bytes = 2 * kChunk;
  const auto cache = Open();
  EXPECT_FALSE(fs::exists(FileOf(Chunk(5))));
  EXPECT_TRUE(Has(*cache, Chunk(6)));
  EXPECT_TRUE(Has(*cache, Chunk(7)));
}

TEST_F(DiskCacheTest, ChunksOfAClockThatWasWrongDoNotStayForever) {
  options_.max_bytes = 2 * kChunk;
  {
    FakeClock wrong(clock_.Now() + absl::Hours(24 * 365));
    const auto cache = *DiskCache::Create(options_, wrong, log_);
    cache->Put(DigestOf(Chunk(1)), Chunk(1), true);
  }
  Put(*Open(), Chunk(2));
  const auto cache = Open();
  Put(*cache, Chunk(3));
  EXPECT_FALSE(fs::exists(FileOf(Chunk(1))));
  EXPECT_TRUE(Has(*cache, Chunk(2)));
}

TEST_F(DiskCacheTest, TheRoomOfDamagedChunksIsFreeAgain) {
  options_.max_bytes = 3 * kChunk;
  const auto cache = Open();
  for (uint64_t seed : {1, 2, 3, 4}) Put(*cache, Chunk(seed));
  Overwrite(FileOf(Chunk(4)), Chunk(5));
  EXPECT_FALSE(Has(*cache, Chunk(4)));
  Put(*cache, Chunk(4));
  for (uint64_t seed : {2, 3, 4}) EXPECT_TRUE(Has(*cache, Chunk(seed))) << seed;
}

TEST_F(DiskCacheTest, CountsAgainWhatOthersHaveRemoved) {
  options_.max_bytes = 4 * kChunk;
  const auto cache = Open();
  for (uint64_t seed : {1, 2, 3, 4}) Put(*cache, Chunk(seed));
  for (uint64_t seed : {1, 2, 3}) fs::remove(FileOf(Chunk(seed)));
  for (uint64_t seed : {5, 6, 7}) Put(*cache, Chunk(seed));
  for (uint64_t seed : {4, 5, 6, 7}) EXPECT_TRUE(Has(*cache, Chunk(seed))) << seed;
}

TEST_F(DiskCacheTest, SeveralProcessesShareOneFolderAndOneLimit) {
  options_.max_bytes = 10 * kChunk;
  const auto one = Open();
  const auto other = Open();
  Put(*one, Chunk(0));
  EXPECT_TRUE(Has(*other, Chunk(0)));
  std::vector<std::thread> threads;
  for (uint64_t number = 0; number < 4; ++number) {
    threads.emplace_back([&, number] {
      DiskCache& cache = number % 2 == 0 ? *one : *other;
      std::mt19937_64 random(number);
      for (int i = 0; i < 200; ++i) {
        const std::string bytes = Chunk(random() % 20);
        if (!Has(cache, bytes)) cache.Put(DigestOf(bytes), bytes, random() % 2 == 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  one->Flush();
  other->Flush();
  EXPECT_LE(BytesIn(root()) - sizeof(uint64_t), options_.max_bytes);
  EXPECT_GE(FilesIn(root() / "chunks").size(), 8);
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(DiskCacheTest, RemovesWhatAProcessLeftThatWasKilled) {
  const auto living = Open();
  fs::create_directories(root() / "incoming" / "dead");
  Overwrite(root() / "incoming" / "dead" / "0", Chunk(1).substr(0, 1000));
  const auto cache = Open();
  EXPECT_FALSE(fs::exists(root() / "incoming" / "dead"));
  Put(*living, Chunk(2));
  EXPECT_TRUE(Has(*living, Chunk(2))) << "one that lives keeps its folder";
}

TEST_F(DiskCacheTest, LeavesNothingBehindButChunks) {
  {
    const auto cache = Open();
    for (uint64_t seed = 0; seed < 20; ++seed) {
      cache->Put(DigestOf(Chunk(seed)), Chunk(seed), /*sha256_checked=*/false);
    }
  }
  EXPECT_TRUE(fs::is_empty(root() / "incoming"));
}

TEST_F(DiskCacheTest, IsPrivate) {
  Put(*Open(), Chunk(1));
  EXPECT_EQ(ModeOf(options_.folder), 0700);
  EXPECT_EQ(ModeOf(root()), 0700);
  EXPECT_EQ(ModeOf(root() / "chunks"), 0700);
  EXPECT_EQ(ModeOf(root() / "lock"), 0600);
  EXPECT_EQ(ModeOf(FileOf(Chunk(1))), 0600);
  fs::permissions(root(), fs::perms(0755));
  EXPECT_TRUE(Has(*Open(), Chunk(1)));
  EXPECT_EQ(ModeOf(root()), 0700);
}

TEST_F(DiskCacheTest, ForgetsWhatLayInAFolderThatOthersCouldWriteTo) {
  Put(*Open(), Chunk(1));
  fs::permissions(root() / "chunks", fs::perms(0777));
  EXPECT_FALSE(Has(*Open(), Chunk(1)));
  EXPECT_EQ(ModeOf(root() / "chunks"), 0700);
}

TEST_F(DiskCacheTest, FollowsNoLinks) {
  Put(*Open(), Chunk(1));
  const fs::path outside = folder_ / "outside";
  Overwrite(outside, Chunk(1));
  fs::remove(FileOf(Chunk(1)));
  fs::create_symlink(outside, FileOf(Chunk(1)));
  fs::create_symlink(outside, FileOf(Chunk(2)));
  fs::create_directory(FileOf(Chunk(3)));
  ASSERT_EQ(mkfifo(FileOf(Chunk(4)).c_str(), 0600), 0);
  const auto cache = Open();
  for (uint64_t seed : {1, 2, 3, 4}) {
    EXPECT_FALSE(Has(*cache, Chunk(seed))) << seed;
    Put(*cache, Chunk(seed));
    EXPECT_TRUE(Has(*cache, Chunk(seed))) << seed;
    EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(FileOf(Chunk(seed))))) << seed;
  }
  EXPECT_EQ(fs::file_size(outside), kChunk);
}

TEST_F(DiskCacheTest, WorksWithoutAFolderThatIsALink) {
  fs::create_directories(folder_ / "elsewhere");
  fs::create_directories(options_.folder);
  fs::create_symlink(folder_ / "elsewhere", root());
  const auto cache = Open();
  Put(*cache, Chunk(1));
  EXPECT_FALSE(Has(*cache, Chunk(1)));
  EXPECT_THAT(FilesIn(folder_), IsEmpty());
  EXPECT_EQ(log_.Count("going on without"), 1);
}

TEST_F(DiskCacheTest, WorksWithoutAFolderAndTakesItWhenItIsThere) {
  Overwrite(options_.folder, "a file");
  const auto cache = Open();
  for (int i = 0; i < 5; ++i) {
    Put(*cache, Chunk(1));
    EXPECT_FALSE(Has(*cache, Chunk(1)));
    clock_.Advance(absl::Minutes(1));
    cache->Flush();
  }
  EXPECT_EQ(log_.Count("going on without"), 1);
  EXPECT_EQ(log_.Count("Not a directory"), 1);
  fs::remove(options_.folder);
  clock_.Advance(absl::Minutes(1));
  Put(*cache, Chunk(1));
  cache->Flush();
  Put(*cache, Chunk(1));
  EXPECT_TRUE(Has(*cache, Chunk(1)));
  EXPECT_EQ(log_.Count("works again"), 1);
}

TEST_F(DiskCacheTest, TriesAgainAfterAMinuteAndNotBefore) {
  Overwrite(options_.folder, "a file");
  const auto cache = Open();
  fs::remove(options_.folder);
  for (int i = 0; i < 3; ++i) {
    Put(*cache, Chunk(1));
    cache->Flush();
  }
  EXPECT_FALSE(fs::exists(options_.folder));
}

TEST_F(DiskCacheTest, GoesOnWithoutWritingWhileTheDiskIsFull) {
  const auto cache = Open();
  Put(*cache, Chunk(1));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit little = {kChunk / 2, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &little), 0);
  for (uint64_t seed = 2; seed < 6; ++seed) Put(*cache, Chunk(seed));
  clock_.Advance(absl::Minutes(1));
  Put(*cache, Chunk(2));
  cache->Flush();
  Put(*cache, Chunk(2));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(log_.Count("File too large"), 1) << "said once";
  EXPECT_TRUE(Has(*cache, Chunk(1))) << "reading goes on";
  EXPECT_THAT(FilesIn(root()), SizeIs(2)) << "no drafts";
  clock_.Advance(absl::Minutes(1));
  Put(*cache, Chunk(2));
  cache->Flush();
  Put(*cache, Chunk(2));
  EXPECT_TRUE(Has(*cache, Chunk(2)));
}

TEST_F(DiskCacheTest, ComesBackAfterItsFilesWereDeletedUnderIt) {
  const auto cache = Open();
  Put(*cache, Chunk(1));
  fs::remove_all(options_.folder);
  EXPECT_FALSE(Has(*cache, Chunk(1)));
  Put(*cache, Chunk(1));
  clock_.Advance(absl::Minutes(1));
  Put(*cache, Chunk(1));
  cache->Flush();
  Put(*cache, Chunk(1));
  EXPECT_TRUE(Has(*cache, Chunk(1)));
  EXPECT_TRUE(fs::exists(FileOf(Chunk(1))));
}

TEST_F(DiskCacheTest, DoesNotWaitForAProcessThatWasStoppedWithTheLock) {
  const auto cache = Open();
  Put(*cache, Chunk(1));
  const int lock = open((root() / "lock").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(lock, LOCK_EX), 0);
  Put(*cache, Chunk(2));
  EXPECT_FALSE(Has(*cache, Chunk(2)));
  EXPECT_TRUE(Has(*cache, Chunk(1))) << "reading needs no lock";
  EXPECT_EQ(log_.Count("another process does not let go of it"), 1);
  close(lock);
}

TEST_F(DiskCacheTest, BelievesNothingThatTheLockFileSays) {
  options_.max_bytes = 2 * kChunk;
  const auto cache = Open();
  for (const std::string& said : {std::string(), std::string(8, '\xff'), std::string("x")}) {
    Overwrite(root() / "lock", said);
    for (uint64_t seed : {1, 2, 3}) Put(*cache, Chunk(seed));
    EXPECT_TRUE(Has(*cache, Chunk(3)));
    EXPECT_LE(BytesIn(root() / "chunks"), options_.max_bytes);
  }
}

}  // namespace
}  // namespace tfserving_remote

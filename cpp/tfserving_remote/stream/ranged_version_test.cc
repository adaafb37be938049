// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/ranged_version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "absl/synchronization/notification.h"
#include "tfserving_remote/stream/test_versions.h"
#include "tfserving_remote/testing/faulty_store.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kChunk = 64 << 10;

// A store whose reads behind the first chunk wait at a gate.
class GatedStore final : public ObjectStore {
 public:
  explicit GatedStore(std::shared_ptr<ObjectStore> behind) : behind_(std::move(behind)) {}

  absl::StatusOr<Listing> List(absl::string_view prefix, ListDepth depth,
                               const StoreCallOptions& options) override {
    return behind_->List(prefix, depth, options);
  }
  absl::StatusOr<ObjectInfo> Head(absl::string_view key, const StoreCallOptions& options) override {
    return behind_->Head(key, options);
  }
  absl::Status Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                    absl::Span<char> into, const StoreCallOptions& options) override {
    if (offset >= kChunk) gate_.WaitForNotification();
    return behind_->Read(key, tag, offset, into, options);
  }
  absl::StatusOr<Content> ReadAll(absl::string_view key, uint64_t max_bytes,
                                  const StoreCallOptions& options) override {
    return behind_->ReadAll(key, max_bytes, options);
  }
  std::string Url(absl::string_view key) const override { return behind_->Url(key); }
  void OpenGate() { gate_.Notify(); }

 private:
  const std::shared_ptr<ObjectStore> behind_;
  absl::Notification gate_;
};

class RangedVersionTest : public ::testing::Test {
 protected:
  RangedVersionTest() {
    options_.range_bytes = kChunk;
    options_.small_file_bytes = 8 << 10;
    PutFiles(*memory_, "m/3/", files_);
    store_ = memory_;
  }

  void PutManifest() { memory_->Put("m/3.manifest.json", MakeTestManifest(3, files_, kChunk)); }

  std::unique_ptr<VersionReader> Open() {
    absl::StatusOr<std::unique_ptr<VersionReader>> reader =
        OpenVersion({store_, "m/", "3"}, options_, CreateTransferPool(pool_), {});
    EXPECT_TRUE(reader.ok()) << reader.status();
    return *std::move(reader);
  }

  absl::StatusOr<std::string> Read(VersionReader& reader, const std::string& path, uint64_t offset,
                                   size_t size) {
    std::string bytes(size, '\0');
    if (absl::Status read = reader.Read(path, offset, absl::MakeSpan(bytes)); !read.ok()) {
      return read;
    }
    return bytes;
  }

  // Random ranges of all files.
  void ExpectTrueBytes(VersionReader& reader, int reads, uint64_t seed) {
    std::mt19937_64 random(seed);
    for (int i = 0; i < reads; ++i) {
      const auto& [path, bytes] = *std::next(files_.begin(), random() % files_.size());
      const size_t offset = random() % (bytes.size() + 1);
      const size_t size = random() % (bytes.size() - offset + 1);
      const absl::StatusOr<std::string> read = Read(reader, path, offset, size);
      ASSERT_TRUE(read.ok()) << read.status();
      ASSERT_TRUE(*read == bytes.substr(offset, size)) << path << " " << offset << " " << size;
    }
  }

  const std::string big_ = TestBytes(10 * kChunk + 777, 1);
  const TestFiles files_ = {{"empty", ""},
                            {"exact", TestBytes(2 * kChunk, 2)},
                            {"saved_model.pb", TestBytes(5000, 3)},
                            {"variables/big", big_}};
  VersionReaderOptions options_;
  TransferPoolOptions pool_ = {4, 1 << 20};
  const std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>();
  std::shared_ptr<ObjectStore> store_;
};

TEST_F(RangedVersionTest, ReadsAnyRangeOfAnyFile) {
  ExpectTrueBytes(*Open(), 200, 1);
  PutManifest();
  ExpectTrueBytes(*Open(), 200, 2);
  options_.check_sha256 = true;
  options_.range_bytes = 3 * kChunk + 5;
  ExpectTrueBytes(*Open(), 200, 3);
}

TEST_F(RangedVersionTest, ReadsFromManyThreadsAtOnceWithLittleMemory) {
  PutManifest();
  pool_.max_bytes_in_flight = kChunk;
  const std::unique_ptr<VersionReader> reader = Open();
  std::vector<std::thread> threads;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    threads.emplace_back([&, seed] { ExpectTrueBytes(*reader, 50, seed); });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(RangedVersionTest, ListsItsFilesAndTheirSizes) {
  const std::unique_ptr<VersionReader> reader = Open();
  ASSERT_EQ(reader->Files()->size(), 4);
  EXPECT_EQ((*reader->Files())[3].path, "variables/big");
  EXPECT_EQ(*reader->FileSize("variables/big"), big_.size());
  EXPECT_TRUE(absl::IsNotFound(reader->FileSize("variables").status()));
  EXPECT_TRUE(absl::IsNotFound(Read(*reader, "nothing", 0, 0).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Read(*reader, "saved_model.pb", 1, 5000).status()));
  EXPECT_TRUE(reader->status().ok()) << "a wrong question is no failure of the version";
}

TEST_F(RangedVersionTest, NeighbouringReadsFetchTheBlockBetweenThemOnce) {
  PutManifest();
  const std::unique_ptr<VersionReader> reader = Open();
  const uint64_t middle = 5 * kChunk + 100;
  ASSERT_TRUE(Read(*reader, "variables/big", 0, middle).ok());
  ASSERT_TRUE(Read(*reader, "variables/big", middle, big_.size() - middle).ok());
  EXPECT_EQ(reader->stats().fetched_bytes, big_.size());
  EXPECT_EQ(reader->stats().requests, 11);
}

TEST_F(RangedVersionTest, SmallReadsInSequenceCostOneRequestABlock) {
  const std::unique_ptr<VersionReader> reader = Open();
  for (uint64_t offset = 0; offset + 1000 <= big_.size(); offset += 1000) {
    ASSERT_EQ(*Read(*reader, "variables/big", offset, 1000), big_.substr(offset, 1000));
  }
  EXPECT_EQ(reader->stats().requests, 11);
  EXPECT_EQ(reader->stats().fetched_bytes, big_.size());
}

TEST_F(RangedVersionTest, SmallFilesComeInOneRequestHoweverOftenTheyAreRead) {
  const std::unique_ptr<VersionReader> reader = Open();
  for (int i = 0; i < 3; ++i) {
    for (uint64_t offset = 0; offset < 5000; offset += 1000) {
      ASSERT_TRUE(Read(*reader, "saved_model.pb", offset, 1000).ok());
    }
  }
  EXPECT_EQ(reader->stats().requests, 1);
}

TEST_F(RangedVersionTest, FetchesAChunkWithAFlippedBitOnceMore) {
  PutManifest();
  store_ = std::make_shared<FlippingStore>(memory_, "m/3/variables/big", 1);
  const std::unique_ptr<VersionReader> reader = Open();
  const absl::StatusOr<std::string> read = Read(*reader, "variables/big", 0, big_.size());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == big_);
  EXPECT_EQ(reader->stats().requests, 12);
}

TEST_F(RangedVersionTest, RefusesAChunkThatIsWrongTwiceAndSaysWhich) {
  PutManifest();
  std::string wrong = big_;
  wrong[3 * kChunk + 7] ^= 4;
  memory_->Put("m/3/variables/big", wrong);
  const std::unique_ptr<VersionReader> reader = Open();
  ASSERT_TRUE(Read(*reader, "variables/big", 0, 3 * kChunk).ok());
  const absl::Status error = Read(*reader, "variables/big", 0, big_.size()).status();
  EXPECT_TRUE(absl::IsDataLoss(error));
  EXPECT_THAT(error.message(),
              HasSubstr("memory://m/3/variables/big: chunk 3 (bytes 196608-262143)"));
  EXPECT_THAT(error.message(), HasSubstr("crc32c expected "));
  EXPECT_EQ(Read(*reader, "saved_model.pb", 0, 1).status(), error) << "the first failure sticks";
  EXPECT_EQ(reader->status(), error);
}

TEST_F(RangedVersionTest, RefusesAnObjectThatChangedAfterItWasOpened) {
  const std::unique_ptr<VersionReader> reader = Open();
  ASSERT_TRUE(Read(*reader, "variables/big", 0, kChunk).ok());
  memory_->Put("m/3/variables/big", big_);
  EXPECT_TRUE(
      absl::IsFailedPrecondition(Read(*reader, "variables/big", 9 * kChunk, kChunk).status()));
}

TEST_F(RangedVersionTest, CancelEndsReadsInProgress) {
  const auto faulty = std::make_shared<FaultyStore>(memory_);
  faulty->Hang(FaultyStore::Verb::kRead, "m/3/variables/big");
  store_ = faulty;
  const std::unique_ptr<VersionReader> reader = Open();
  std::thread canceller([&] {
    faulty->WaitForHanging(2);
    reader->Cancel();
  });
  EXPECT_TRUE(absl::IsCancelled(Read(*reader, "variables/big", 10, 5 * kChunk).status()));
  canceller.join();
  EXPECT_TRUE(absl::IsCancelled(Read(*reader, "saved_model.pb", 0, 1).status()));
}

TEST_F(RangedVersionTest, StaysReadableAfterTheLoad) {
  const std::unique_ptr<VersionReader> reader = Open();
  ExpectTrueBytes(*reader, 20, 1);
  reader->ReleaseAfterLoad();
  ExpectTrueBytes(*reader, 20, 2);
}

TEST_F(RangedVersionTest, GivesTheBudgetOfWhatStillComesBackAfterTheLoad) {
  const auto gated = std::make_shared<GatedStore>(memory_);
  const std::shared_ptr<TransferPool> pool = CreateTransferPool(pool_);
  absl::StatusOr<std::unique_ptr<VersionReader>> reader =
      OpenVersion({gated, "m/", "3"}, options_, pool, {});
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_EQ(*Read(**reader, "variables/big", 0, 100), big_.substr(0, 100));
  const std::unique_ptr<TransferStream> other = pool->OpenStream();
  ASSERT_FALSE(other->TryReserve(pool_.max_bytes_in_flight)) << "a block is read ahead";
  (*reader)->ReleaseAfterLoad();
  gated->OpenGate();
  while (!other->TryReserve(pool_.max_bytes_in_flight)) std::this_thread::yield();
  other->Release(pool_.max_bytes_in_flight);
  ExpectTrueBytes(**reader, 20, 4);
}

TEST_F(RangedVersionTest, AnObjectThatBecameShorterIsNoEndOfFile) {
  const auto faulty = std::make_shared<FaultyStore>(memory_);
  faulty->Fail(FaultyStore::Verb::kRead, "m/3/variables/big", absl::OutOfRangeError("too short"),
               FaultyStore::kForever);
  store_ = faulty;
  const std::unique_ptr<VersionReader> reader = Open();
  const absl::Status status = Read(*reader, "variables/big", 0, 100).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("too short"));
}

}  // namespace
}  // namespace tfserving_remote

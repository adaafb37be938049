// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/archive_version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tfserving_remote/stream/test_archives.h"
#include "tfserving_remote/testing/faulty_store.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kChunk = 64 << 10;

class ArchiveVersionTest : public ::testing::Test {
 protected:
  ArchiveVersionTest() {
    options_.range_bytes = kChunk;
    options_.small_file_bytes = 8 << 10;
  }

  void Put(const TestArchive& archive) { memory_->Put("m/" + archive.name, archive.bytes); }
  void PutManifest(const TestArchive& archive, const TestFiles& files) {
    memory_->Put("m/3.manifest.json", MakeTestManifest(3, files, kChunk, &archive));
  }
  TestArchive Pack(VersionPacking packing, const TestFiles& files) {
    return {absl::StrCat("3", PackingSuffix(packing)), PackFiles(packing, files, "3/")};
  }

  std::unique_ptr<VersionReader> Open(const std::string& name) {
    absl::StatusOr<std::unique_ptr<VersionReader>> reader =
        OpenVersion({store_, "m/", name}, options_, CreateTransferPool({4, 1 << 20}), {});
    EXPECT_TRUE(reader.ok()) << reader.status();
    return *std::move(reader);
  }

  absl::Status ReadAll(VersionReader& reader, const TestFiles& files) {
    for (const auto& [path, bytes] : files) {
      std::string read(bytes.size(), '\0');
      const absl::Status status = reader.Read(path, 0, absl::MakeSpan(read));
      if (!status.ok()) return status;
      EXPECT_TRUE(read == bytes) << path;
    }
    return absl::OkStatus();
  }

  const TestFiles files_ = {{"assets/vocabulary", "a\nb"},
                            {"saved_model.pb", TestBytes(5000, 3)},
                            {"variables/big", TestBytes(20 * kChunk + 777, 1)}};
  VersionReaderOptions options_;
  const std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>();
  std::shared_ptr<ObjectStore> store_ = memory_;
};

TEST_F(ArchiveVersionTest, ReadsEveryPackingWithAndWithoutAManifest) {
  for (VersionPacking packing :
       {VersionPacking::kTar, VersionPacking::kTarGz, VersionPacking::kTarZst}) {
    const TestArchive archive = Pack(packing, files_);
    Put(archive);
    const absl::Status plain = ReadAll(*Open(archive.name), files_);
    EXPECT_TRUE(plain.ok()) << plain;
    PutManifest(archive, files_);
    const std::unique_ptr<VersionReader> reader = Open(archive.name);
    const absl::Status verified = ReadAll(*reader, files_);
    EXPECT_TRUE(verified.ok()) << verified;
    EXPECT_LE(reader->stats().fetched_bytes, archive.bytes.size());
    memory_->Delete("m/3.manifest.json");
  }
}

TEST_F(ArchiveVersionTest, ListsFilesOnceItIsUnpacked) {
  Put(Pack(VersionPacking::kTarZst, files_));
  const std::unique_ptr<VersionReader> reader = Open("3.tar.zst");
  const absl::StatusOr<std::vector<VersionFile>> files = reader->Files();
  ASSERT_TRUE(files.ok()) << files.status();
  ASSERT_EQ(files->size(), 3);
  EXPECT_EQ((*files)[1].path, "saved_model.pb");
  EXPECT_EQ(*reader->FileSize("variables/big"), 20 * kChunk + 777);
  EXPECT_TRUE(absl::IsNotFound(reader->FileSize("nothing").status()));
  EXPECT_TRUE(reader->status().ok());
}

TEST_F(ArchiveVersionTest, GivesTheBudgetBackWhenItIsUnpacked) {
  const TestArchive archive = Pack(VersionPacking::kTarGz, files_);
  Put(archive);
  const std::shared_ptr<TransferPool> pool = CreateTransferPool({4, 1 << 20});
  absl::StatusOr<std::unique_ptr<VersionReader>> reader =
      OpenVersion({store_, "m/", archive.name}, options_, pool, {});
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_TRUE((*reader)->Files().ok());
  EXPECT_TRUE(pool->OpenStream()->TryReserve(1 << 20)) << "while the reader lives";
}

TEST_F(ArchiveVersionTest, RefusesAMemberThatIsNotWhatTheManifestSays) {
  TestFiles other = files_;
  other["variables/big"][5 * kChunk] ^= 1;
  const TestArchive archive = Pack(VersionPacking::kTarGz, other);
  Put(archive);
  PutManifest(archive, files_);
  const std::unique_ptr<VersionReader> reader = Open("3.tar.gz");
  const absl::Status status = ReadAll(*reader, files_);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(),
              HasSubstr("memory://m/3.tar.gz: member \"variables/big\": chunk 5 (bytes 327680-"));
  EXPECT_EQ(reader->status(), status);
}

TEST_F(ArchiveVersionTest, RefusesAnArchiveThatLacksAMemberOrHasItInAnotherSize) {
  TestFiles fewer = files_;
  fewer.erase("saved_model.pb");
  TestArchive archive = Pack(VersionPacking::kTar, fewer);
  Put(archive);
  PutManifest(archive, files_);
  EXPECT_THAT(ReadAll(*Open("3.tar"), files_).message(),
              HasSubstr("has no member \"saved_model.pb\""));
  fewer["saved_model.pb"] = "short";
  archive = Pack(VersionPacking::kTar, fewer);
  Put(archive);
  PutManifest(archive, files_);
  EXPECT_THAT(ReadAll(*Open("3.tar"), files_).message(),
              HasSubstr("has 5 bytes, but the manifest says 5000"));
}

TEST_F(ArchiveVersionTest, IgnoresMembersThatTheManifestDoesNotList) {
  TestFiles more = files_;
  more["notes.txt"] = TestBytes(3 * kChunk, 9);
  const TestArchive archive = Pack(VersionPacking::kTarGz, more);
  Put(archive);
  PutManifest(archive, files_);
  const std::unique_ptr<VersionReader> reader = Open("3.tar.gz");
  EXPECT_TRUE(ReadAll(*reader, files_).ok());
  EXPECT_TRUE(absl::IsNotFound(reader->FileSize("notes.txt").status()));
}

TEST_F(ArchiveVersionTest, FetchesAFlippedChunkOfTheArchiveOnceMore) {
  const TestArchive archive = Pack(VersionPacking::kTarGz, files_);
  Put(archive);
  PutManifest(archive, files_);
  store_ = std::make_shared<FlippingStore>(memory_, "m/3.tar.gz", 1);
  EXPECT_TRUE(ReadAll(*Open("3.tar.gz"), files_).ok());
}

TEST_F(ArchiveVersionTest, RefusesADamagedArchiveWithoutAManifest) {
  TestArchive archive = Pack(VersionPacking::kTarGz, files_);
  archive.bytes.resize(archive.bytes.size() / 2);
  Put(archive);
  const absl::Status status = Open("3.tar.gz")->Files().status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("memory://m/3.tar.gz: "));
}

TEST_F(ArchiveVersionTest, GivesTheMemoryOfVariablesBackAndKeepsAssets) {
  Put(Pack(VersionPacking::kTarGz, files_));
  const std::unique_ptr<VersionReader> reader = Open("3.tar.gz");
  ASSERT_TRUE(ReadAll(*reader, files_).ok());
  reader->ReleaseAfterLoad();
  EXPECT_TRUE(ReadAll(*reader, {{"assets/vocabulary", "a\nb"}}).ok());
  std::string byte(1, '\0');
  EXPECT_TRUE(absl::IsFailedPrecondition(reader->Read("variables/big", 0, absl::MakeSpan(byte))));
}

TEST_F(ArchiveVersionTest, CancelEndsReadsThatWait) {
  Put(Pack(VersionPacking::kTar, files_));
  const auto faulty = std::make_shared<FaultyStore>(memory_);
  faulty->Hang(FaultyStore::Verb::kRead, "m/3.tar");
  store_ = faulty;
  const std::unique_ptr<VersionReader> reader = Open("3.tar");
  std::thread canceller([&] {
    faulty->WaitForHanging(1);
    reader->Cancel();
  });
  EXPECT_TRUE(absl::IsCancelled(ReadAll(*reader, files_)));
  canceller.join();
}

TEST_F(ArchiveVersionTest, ReadsAPlainTarByRangesAndVerifiesThem) {
  TestArchive archive = Pack(VersionPacking::kTar, files_);
  Put(archive);
  PutManifest(archive, files_);
  const std::unique_ptr<VersionReader> reader = Open("3.tar");
  std::string bytes(100, '\0');
  ASSERT_TRUE(reader->Read("variables/big", 18 * kChunk, absl::MakeSpan(bytes)).ok());
  EXPECT_EQ(bytes, files_.at("variables/big").substr(18 * kChunk, 100));
  EXPECT_LT(reader->stats().fetched_bytes, archive.bytes.size() / 2);
  archive.bytes[archive.bytes.size() / 2] ^= 1;
  Put(archive);
  const absl::Status status = ReadAll(*Open("3.tar"), files_);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("memory://m/3.tar: chunk 10 "));
}

TEST_F(ArchiveVersionTest, IsNotTouchedBeforeSomebodyAsks) {
  Put(Pack(VersionPacking::kTar, files_));
  const std::unique_ptr<VersionReader> reader = Open("3.tar");
  EXPECT_EQ(memory_->counts().read, 0);
}

}  // namespace
}  // namespace tfserving_remote

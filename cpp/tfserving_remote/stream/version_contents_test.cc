// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/version_contents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_replace.h"
#include "tfserving_remote/manifest/digest.h"
#include "tfserving_remote/manifest/listing_fingerprint.h"
#include "tfserving_remote/stream/test_archives.h"
#include "tfserving_remote/stream/test_versions.h"
#include "tfserving_remote/stream/transfer_pool.h"
#include "tfserving_remote/testing/test_signer.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kChunk = 64 << 10;

class VersionContentsTest : public ::testing::Test {
 protected:
  absl::StatusOr<VersionContents> Read(const std::string& path_name,
                                       ManifestMode mode = ManifestMode::kPreferred) {
    VersionReaderOptions options;
    options.manifest_mode = mode;
    return ReadVersionContents({store_, "m/", path_name}, options, {}, &fingerprint_);
  }
  absl::Status Error(const std::string& path_name, ManifestMode mode = ManifestMode::kPreferred) {
    return Read(path_name, mode).status();
  }
  void Publish(const TestFiles& files) {
    PutFiles(*store_, "m/3/", files);
    store_->Put("m/3.manifest.json", MakeTestManifest(3, files, kChunk));
  }

  const TestFiles files_ = {{"saved_model.pb", "graph"}, {"variables/x", TestBytes(100000, 1)}};
  const std::shared_ptr<MemoryStore> store_ = std::make_shared<MemoryStore>();
  std::string fingerprint_;
};

TEST_F(VersionContentsTest, TakesTheFilesOfTheManifestAndIgnoresOthers) {
  Publish(files_);
  store_->Put("m/3/extra", "x");
  store_->Put("m/3/..", "x");
  store_->Put("m/3/", "");
  const absl::StatusOr<VersionContents> contents = Read("3");
  ASSERT_TRUE(contents.ok()) << contents.status();
  ASSERT_EQ(contents->files.size(), 2);
  EXPECT_EQ(contents->files[1].path, "variables/x");
  EXPECT_EQ(contents->files[1].size, 100000);
  EXPECT_EQ(contents->objects[1].info.key, "m/3/variables/x");
  EXPECT_EQ(contents->objects[1].digests->size(), 2);
}

TEST_F(VersionContentsTest, NamesTheFileThatTheFolderLacks) {
  Publish(files_);
  store_->Delete("m/3/variables/x");
  const absl::Status error = Error("3");
  EXPECT_TRUE(absl::IsFailedPrecondition(error));
  EXPECT_THAT(error.message(), HasSubstr("memory://m/3/variables/x: is missing"));
}

TEST_F(VersionContentsTest, NamesTheFileOfAnotherSize) {
  Publish(files_);
  store_->Put("m/3/saved_model.pb", "longer graph");
  const absl::Status error = Error("3");
  EXPECT_TRUE(absl::IsFailedPrecondition(error));
  EXPECT_THAT(error.message(),
              HasSubstr("m/3/saved_model.pb: has 12 bytes, but the manifest says 5"));
}

TEST_F(VersionContentsTest, RefusesAManifestThatIsBrokenOrOfAnotherVersion) {
  Publish(files_);
  store_->Put("m/3.manifest.json", "{");
  EXPECT_TRUE(absl::IsInvalidArgument(Error("3")));
  EXPECT_THAT(Error("3").message(), HasSubstr("memory://m/3.manifest.json: not valid JSON"));
  EXPECT_NE(fingerprint_, "") << "tells the source when to try again";
  store_->Put("m/3.manifest.json", MakeTestManifest(4, files_, kChunk));
  EXPECT_TRUE(absl::IsInvalidArgument(Error("3")));
  EXPECT_THAT(Error("3").message(), HasSubstr("manifest of version 4, not of 3"));
  EXPECT_TRUE(Error("3", ManifestMode::kIgnored).ok());
}

TEST_F(VersionContentsTest, RequiresAManifestWhenToldTo) {
  PutFiles(*store_, "m/3/", files_);
  EXPECT_TRUE(Error("3").ok());
  EXPECT_TRUE(absl::IsNotFound(Error("3", ManifestMode::kRequired)));
  EXPECT_THAT(Error("3", ManifestMode::kRequired).message(), HasSubstr("there is no manifest"));
}

TEST_F(VersionContentsTest, TakesAllFilesWithoutAManifestButNoFolderMarkers) {
  PutFiles(*store_, "m/0003/", files_);
  store_->Put("m/0003/", "");
  store_->Put("m/0003/variables/", "");
  store_->Put("m/0003/variables", "");
  store_->Put("m/0003/assets/empty", "");
  const absl::StatusOr<VersionContents> contents = Read("0003");
  ASSERT_TRUE(contents.ok()) << contents.status();
  ASSERT_EQ(contents->files.size(), 3);
  EXPECT_EQ(contents->files[0].path, "assets/empty");
  EXPECT_EQ(contents->objects[0].digests, nullptr);
}

TEST_F(VersionContentsTest, RefusesUnsafeNamesWithoutAManifest) {
  for (const char* name : {"../x", "a//b", "a/../b", "a\\b", "a\nb", "saved_model.pb/x"}) {
    store_->DeletePrefix("m/3/");
    PutFiles(*store_, "m/3/", files_);
    store_->Put(absl::StrCat("m/3/", name), "x");
    EXPECT_TRUE(absl::IsInvalidArgument(Error("3"))) << name;
  }
}

TEST_F(VersionContentsTest, AVersionWithoutFilesIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(Error("3")));
  EXPECT_TRUE(absl::IsNotFound(Error("3.tar")));
}

TEST_F(VersionContentsTest, PinsAnArchiveAndComparesItWithItsManifest) {
  TestArchive archive = {"3.tar.gz", PackFiles(VersionPacking::kTarGz, files_, "")};
  store_->Put("m/3.tar.gz", archive.bytes);
  store_->Put("m/3.manifest.json", MakeTestManifest(3, files_, kChunk, &archive));
  const absl::StatusOr<VersionContents> contents = Read("3.tar.gz");
  ASSERT_TRUE(contents.ok()) << contents.status();
  EXPECT_EQ(contents->name, "3");
  EXPECT_EQ(contents->packing, VersionPacking::kTarGz);
  EXPECT_EQ(contents->files.size(), 2);
  EXPECT_EQ(contents->objects.size(), 1);
  store_->Put("m/3.tar.gz", archive.bytes + "x");
  EXPECT_TRUE(absl::IsFailedPrecondition(Error("3.tar.gz")));
}

TEST_F(VersionContentsTest, RefusesAManifestOfTheOtherPacking) {
  Publish(files_);
  store_->Put("m/3.tar", PackFiles(VersionPacking::kTar, files_, ""));
  EXPECT_TRUE(absl::IsFailedPrecondition(Error("3.tar")));
  EXPECT_THAT(Error("3.tar").message(), HasSubstr("describes the folder 3, not 3.tar"));
}

TEST_F(VersionContentsTest, TheFingerprintCoversEveryObjectAndTheManifest) {
  Publish(files_);
  store_->Put("m/3/extra", "x");
  store_->Put("m/33/other", "x");
  ASSERT_TRUE(Read("3").ok());
  std::vector<ObjectInfo> objects = store_->List("m/3/", ListDepth::kRecursive, {})->objects;
  objects.push_back(*store_->Head("m/3.manifest.json", {}));
  EXPECT_EQ(fingerprint_, ListingFingerprint(objects));
}

// With trusted keys, only what the owner of one of them has signed is read.
class SignedVersionTest : public VersionContentsTest {
 protected:
  SignedVersionTest() {
    options_.trusted_keys =
        std::make_shared<const TrustedKeys>(*TrustedKeys::FromPem(signer_.PublicPem()));
  }
  void PublishSigned(const TestSigner& signer) {
    Publish(files_);
    Sign(signer);
  }
  void Sign(const TestSigner& signer) {
    const absl::StatusOr<ObjectStore::Content> manifest =
        store_->ReadAll("m/3.manifest.json", 1 << 20, {});
    store_->Put("m/3.manifest.sig", signer.Sign(manifest->bytes));
  }
  absl::Status ErrorNow(const std::string& path_name = "3") {
    return ReadVersionContents({store_, "m/", path_name}, options_, {}, &fingerprint_).status();
  }

  const TestSigner signer_;
  VersionReaderOptions options_;
};

TEST_F(SignedVersionTest, ReadsWhatATrustedKeyHasSigned) {
  PublishSigned(signer_);
  EXPECT_EQ(ErrorNow(), absl::OkStatus());
  TestArchive archive = {"3.tar", PackFiles(VersionPacking::kTar, files_, "")};
  store_->Put("m/3.tar", archive.bytes);
  store_->Put("m/3.manifest.json", MakeTestManifest(3, files_, kChunk, &archive));
  Sign(signer_);
  EXPECT_EQ(ErrorNow("3.tar"), absl::OkStatus());
}

TEST_F(SignedVersionTest, RefusesWhatNobodyHasSigned) {
  Publish(files_);
  for (ManifestMode mode :
       {ManifestMode::kRequired, ManifestMode::kPreferred, ManifestMode::kIgnored}) {
    options_.manifest_mode = mode;
    EXPECT_TRUE(absl::IsFailedPrecondition(ErrorNow())) << ErrorNow();
    EXPECT_THAT(ErrorNow().message(),
                HasSubstr("memory://m/3.manifest.sig: there is no signature"));
  }
  store_->Delete("m/3.manifest.json");
  EXPECT_TRUE(absl::IsFailedPrecondition(ErrorNow())) << ErrorNow();
  EXPECT_THAT(ErrorNow().message(), HasSubstr("memory://m/3.manifest.json: there is no manifest"));
  EXPECT_TRUE(Error("3").ok()) << "without keys it is as good as ever";
}

TEST_F(SignedVersionTest, RefusesWhatAStrangerHasSignedUntilTheOwnerDoes) {
  PublishSigned(TestSigner());
  EXPECT_TRUE(absl::IsDataLoss(ErrorNow())) << ErrorNow();
  EXPECT_THAT(ErrorNow().message(), HasSubstr("memory://m/3.manifest.sig: was made with another"));
  const std::string before = fingerprint_;
  EXPECT_NE(before, "");
  Sign(signer_);
  EXPECT_EQ(ErrorNow(), absl::OkStatus());
  EXPECT_NE(fingerprint_, before) << "tells the source when to try again";
}

TEST_F(SignedVersionTest, RefusesAManifestThatIsNotTheSignedOneUnread) {
  PublishSigned(signer_);
  for (const std::string& changed : {std::string("{"), MakeTestManifest(4, files_, kChunk),
                                     MakeTestManifest(3, {{"saved_model.pb", "evil!"}}, kChunk)}) {
    store_->Put("m/3.manifest.json", changed);
    EXPECT_TRUE(absl::IsDataLoss(ErrorNow())) << ErrorNow();
    EXPECT_THAT(ErrorNow().message(), HasSubstr("3.manifest.sig: was made for a manifest"));
  }
}

TEST_F(SignedVersionTest, RefusesASignedManifestUnderTheNumberOfAnother) {
  PublishSigned(signer_);
  PutFiles(*store_, "m/9/", files_);
  for (const char* suffix : {".manifest.json", ".manifest.sig"}) {
    const auto content = store_->ReadAll(absl::StrCat("m/3", suffix), 1 << 20, {});
    store_->Put(absl::StrCat("m/9", suffix), content->bytes);
  }
  EXPECT_THAT(ErrorNow("9").message(), HasSubstr("manifest of version 3, not of 9"));
}

TEST_F(SignedVersionTest, ComparesEveryChunkWithItsSha256) {
  Publish(files_);
  // Somebody who can make crc32c agree, but not sha256.
  const std::string digest = ToHex(Sha256("graph"));
  store_->Put("m/3.manifest.json", absl::StrReplaceAll(MakeTestManifest(3, files_, kChunk),
                                                       {{digest, std::string(64, 'a')}}));
  const auto read = [this]() -> absl::Status {
    absl::StatusOr<std::unique_ptr<VersionReader>> reader =
        OpenVersion({store_, "m/", "3"}, options_, CreateTransferPool({}), {});
    if (!reader.ok()) return reader.status();
    std::string bytes(5, ' ');
    return (*reader)->Read("saved_model.pb", 0, absl::MakeSpan(bytes));
  };
  Sign(signer_);
  EXPECT_TRUE(absl::IsDataLoss(read())) << read();
  EXPECT_THAT(read().message(), HasSubstr("sha256"));
  options_.trusted_keys = nullptr;
  EXPECT_EQ(read(), absl::OkStatus()) << "crc32c alone is content";
  options_.check_sha256 = true;
  EXPECT_TRUE(absl::IsDataLoss(read())) << read();
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/streaming_saved_model_adapter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow/core/framework/tensor.h"
#include "tfserving_remote/stream/disk_cache.h"
#include "tfserving_remote/stream/test_archives.h"
#include "tfserving_remote/stream/test_versions.h"
#include "tfserving_remote/testing/fake_clock.h"
#include "tfserving_remote/testing/faulty_store.h"
#include "tfserving_remote/testing/one_store.h"
#include "tfserving_remote/testing/recording_log.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using ::testing::HasSubstr;

constexpr uint64_t kChunk = 1 << 20;

// What a model with one input of one number answers.
template <typename In, typename Out>
absl::StatusOr<Out> Ask(tensorflow::SavedModelBundle& bundle, const std::string& input,
                        const std::string& output, const In& value,
                        const tensorflow::TensorShape& shape) {
  const auto& signature = bundle.GetSignatures().at("serving_default");
  tensorflow::Tensor in(tensorflow::DataTypeToEnum<In>::value, shape);
  in.flat<In>()(0) = value;
  std::vector<tensorflow::Tensor> out;
  const absl::Status ran =
      bundle.GetSession()->Run({{signature.inputs().at(input).name(), in}},
                               {signature.outputs().at(output).name()}, {}, &out);
  if (!ran.ok()) return ran;
  return out[0].flat<Out>()(0);
}

class StreamingSavedModelAdapterTest : public ::testing::Test {
 protected:
  void SetUp() override { UseStore(memory_); }

  void UseStore(std::shared_ptr<ObjectStore> store) {
    StreamingSavedModelAdapterOptions options;
    options.stores = std::make_shared<OneStore>(std::move(store));
    options.transfers = CreateTransferPool({});
    options.ledger = ledger_;
    options.log = &log_;
    options.clock = &clock_;
    options.reader.range_bytes = kChunk;
    options.reader.small_file_bytes = 64 << 10;
    options.reader.cache = cache_;
    options.after_load = after_load_;
    adapter_ = *StreamingSavedModelAdapter::Create(std::move(options));
  }

  std::unique_ptr<tfs::Loader> MakeLoader(const std::string& path) {
    return adapter_->AdaptOneVersion(tfs::CreateServableData<std::string>({"m", 3}, path))
        .ConsumeDataOrDie();
  }

  void PutModel(const std::string& name, bool manifest) {
    const TestFiles files = ReadTestModel(name);
    PutFiles(*memory_, "m/3/", files);
    if (manifest) memory_->Put("m/3.manifest.json", MakeTestManifest(3, files, kChunk));
  }

  static tensorflow::SavedModelBundle& Bundle(tfs::Loader& loader) {
    return *loader.servable().get<tensorflow::SavedModelBundle>();
  }

  const std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>("s3://b/");
  const std::shared_ptr<LoadLedger> ledger_ = std::make_shared<LoadLedger>();
  RecordingLog log_;
  FakeClock clock_;
  std::shared_ptr<DiskCache> cache_;
  decltype(StreamingSavedModelAdapterOptions::after_load) after_load_;
  std::unique_ptr<StreamingSavedModelAdapter> adapter_;
  const tfs::Loader::Metadata metadata_ = {{"m", 3}};
};

TEST_F(StreamingSavedModelAdapterTest, LoadsAModelOutOfAFolder) {
  PutModel("half_plus_two", /*manifest=*/true);
  const std::unique_ptr<tfs::Loader> loader = MakeLoader("s3://b/m/3");
  const absl::Status loaded = loader->LoadWithMetadata(metadata_);
  ASSERT_TRUE(loaded.ok()) << loaded;
  const absl::StatusOr<float> y = Ask<float, float>(Bundle(*loader), "x", "y", 10, {1, 1});
  ASSERT_TRUE(y.ok()) << y.status();
  EXPECT_EQ(*y, 7);
  EXPECT_EQ(log_.Count("loaded m version 3 from s3://b/m/3: "), 1);
  EXPECT_EQ(log_.Count("verified against its manifest"), 1);
  EXPECT_FALSE(ledger_->LastFailure("m", 3).has_value());
  loader->Unload();
  EXPECT_EQ(loader->servable().get<tensorflow::SavedModelBundle>(), nullptr);
}

TEST_F(StreamingSavedModelAdapterTest, SaysHowMuchCameFromTheCache) {
  const std::string folder = ::testing::TempDir() + "tfsr_adapter_cache";
  std::filesystem::remove_all(folder);
  cache_ = *DiskCache::Create({folder}, clock_, log_);
  UseStore(memory_);
  PutModel("many_variables", /*manifest=*/true);
  ASSERT_TRUE(MakeLoader("s3://b/m/3")->LoadWithMetadata(metadata_).ok());
  EXPECT_EQ(log_.Count("from the cache"), 0);
  cache_->Flush();
  const int64_t reads = memory_->counts().read;
  ASSERT_TRUE(MakeLoader("s3://b/m/3")->LoadWithMetadata(metadata_).ok());
  EXPECT_EQ(memory_->counts().read, reads);
  EXPECT_EQ(log_.Count(" MB/s, 0 requests, "), 1);
  EXPECT_EQ(log_.Count(" MB from the cache, verified against its manifest"), 1);
  std::filesystem::remove_all(folder);
}

TEST_F(StreamingSavedModelAdapterTest, RestoresEveryBitOfManyVariables) {
  tensorflow::SavedModelBundle local;
  ASSERT_TRUE(
      tensorflow::LoadSavedModel({}, {}, TestModelFolder("many_variables"), {"serve"}, &local)
          .ok());
  const absl::StatusOr<int64_t> expected = Ask<int64_t, int64_t>(local, "x", "y", 5, {1});
  ASSERT_TRUE(expected.ok()) << expected.status();
  const TestFiles files = ReadTestModel("many_variables");
  PutModel("many_variables", /*manifest=*/true);
  memory_->Put("m/0003.tar.zst", PackFiles(VersionPacking::kTarZst, files, "3/"));
  memory_->Put("m/0003.tar", PackFiles(VersionPacking::kTar, files, ""));
  for (const char* path : {"s3://b/m/3", "s3://b/m/0003.tar.zst", "s3://b/m/0003.tar"}) {
    const std::unique_ptr<tfs::Loader> loader = MakeLoader(path);
    const absl::Status loaded = loader->LoadWithMetadata(metadata_);
    ASSERT_TRUE(loaded.ok()) << path << loaded;
    EXPECT_EQ(*(Ask<int64_t, int64_t>(Bundle(*loader), "x", "y", 5, {1})), *expected) << path;
    loader->Unload();
  }
}

TEST_F(StreamingSavedModelAdapterTest, ReadsAFolderOnceInFewRequests) {
  PutModel("many_variables", /*manifest=*/false);
  const std::unique_ptr<tfs::Loader> loader = MakeLoader("s3://b/m/3");
  ASSERT_TRUE(loader->LoadWithMetadata(metadata_).ok());
  uint64_t total = 0;
  for (const auto& [path, bytes] : ReadTestModel("many_variables")) total += bytes.size();
  const MemoryStore::Counts counts = memory_->counts();
  // A reader of small variables fetches up to a megabyte beyond them, into blocks of large ones.
  EXPECT_LE(counts.bytes, total + 4 * kChunk);
  EXPECT_LE(counts.read, static_cast<int64_t>(total / kChunk) + 8);
  loader->Unload();
}

TEST_F(StreamingSavedModelAdapterTest, InitialisesLookupTablesFromAssets) {
  PutModel("vocabulary", /*manifest=*/true);
  const std::unique_ptr<tfs::Loader> loader = MakeLoader("s3://b/m/3");
  const absl::Status loaded = loader->LoadWithMetadata(metadata_);
  ASSERT_TRUE(loaded.ok()) << loaded;
  using tensorflow::tstring;
  EXPECT_EQ(*(Ask<tstring, int64_t>(Bundle(*loader), "word", "number", "two", {1})), 2);
  loader->Unload();
}

TEST_F(StreamingSavedModelAdapterTest, EstimatesBeforeDuringAndAfterTheLoad) {
  PutModel("half_plus_two", /*manifest=*/true);
  uint64_t total = 0;
  for (const auto& [path, bytes] : ReadTestModel("half_plus_two")) total += bytes.size();
  const std::unique_ptr<tfs::Loader> loader = MakeLoader("s3://b/m/3");
  tfs::ResourceAllocation before, after;
  ASSERT_TRUE(loader->EstimateResources(&before).ok());
  ASSERT_EQ(before.resource_quantities_size(), 1);
  EXPECT_EQ(before.resource_quantities(0).resource().device(), "main");
  EXPECT_EQ(before.resource_quantities(0).resource().kind(), "ram_in_bytes");
  EXPECT_EQ(before.resource_quantities(0).quantity(), total * 12 / 10);
  ASSERT_TRUE(loader->LoadWithMetadata(metadata_).ok());
  EXPECT_EQ(memory_->counts().list, 1) << "the load goes on with what the estimate opened";
  loader->Unload();
  ASSERT_TRUE(loader->EstimateResources(&after).ok());
  EXPECT_EQ(after.DebugString(), before.DebugString());
}

TEST_F(StreamingSavedModelAdapterTest, SaysWhatUpstreamSaysWhenThereIsNoGraph) {
  memory_->Put("m/3/variables/variables.index", "x");
  const absl::Status status = MakeLoader("s3://b/m/3")->LoadWithMetadata(metadata_);
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(status.message(),
              HasSubstr("Specified file path does not appear to contain a SavedModel bundle"));
  EXPECT_THAT(status.message(), HasSubstr("s3://b/m/3"));
}

TEST_F(StreamingSavedModelAdapterTest, PutsTheStoresErrorInFrontAndIntoTheLedger) {
  PutModel("many_variables", /*manifest=*/false);
  const auto faulty = std::make_shared<FaultyStore>(memory_);
  UseStore(faulty);
  const absl::Status cause =
      absl::PermissionDeniedError("GET s3://b/m/3/variables/variables.data: 403 (request id 7)");
  faulty->Fail(FaultyStore::Verb::kRead, "m/3/variables/variables.data", cause);
  const std::unique_ptr<tfs::Loader> loader = MakeLoader("s3://b/m/3");
  const absl::Status status = loader->LoadWithMetadata(metadata_);
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_THAT(status.message(), ::testing::StartsWith(std::string(cause.message())));
  const auto failure = ledger_->LastFailure("m", 3);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->status, status);
  EXPECT_TRUE(failure->can_heal);
  EXPECT_NE(failure->fingerprint, "");
  faulty->Heal();
  EXPECT_TRUE(loader->LoadWithMetadata(metadata_).ok()) << "the same loader may try again";
  EXPECT_FALSE(ledger_->LastFailure("m", 3).has_value());
  loader->Unload();
}

TEST_F(StreamingSavedModelAdapterTest, NeverShowsTensorFlowAWrongByte) {
  TestFiles files = ReadTestModel("many_variables");
  memory_->Put("m/3.manifest.json", MakeTestManifest(3, files, kChunk));
  for (auto& [path, bytes] : files) {
    if (bytes.size() > kChunk) bytes[bytes.size() / 2] ^= 1;
  }
  PutFiles(*memory_, "m/3/", files);
  const absl::Status status = MakeLoader("s3://b/m/3")->LoadWithMetadata(metadata_);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("is not what the manifest says"));
  EXPECT_FALSE(ledger_->LastFailure("m", 3)->can_heal);
}

TEST_F(StreamingSavedModelAdapterTest, AnEstimateThatFailsLeavesItsReasonToTheLoad) {
  const std::unique_ptr<tfs::Loader> loader = MakeLoader("s3://b/m/3");
  tfs::ResourceAllocation estimate;
  EXPECT_TRUE(loader->EstimateResources(&estimate).ok());
  EXPECT_EQ(estimate.resource_quantities_size(), 0);
  PutModel("half_plus_two", /*manifest=*/false);
  EXPECT_TRUE(absl::IsNotFound(loader->LoadWithMetadata(metadata_)));
  EXPECT_TRUE(ledger_->LastFailure("m", 3).has_value());
  EXPECT_TRUE(loader->LoadWithMetadata(metadata_).ok());
  loader->Unload();
}

TEST_F(StreamingSavedModelAdapterTest, EndingTheAdapterCancelsLoadsInProgress) {
  PutModel("half_plus_two", /*manifest=*/false);
  const auto faulty = std::make_shared<FaultyStore>(memory_);
  faulty->Hang(FaultyStore::Verb::kRead, "m/3/");
  UseStore(faulty);
  const std::unique_ptr<tfs::Loader> loader = MakeLoader("s3://b/m/3");
  std::thread loading([&] { EXPECT_TRUE(absl::IsCancelled(loader->LoadWithMetadata(metadata_))); });
  faulty->WaitForHanging(1);
  adapter_.reset();
  loading.join();
  EXPECT_FALSE(ledger_->LastFailure("m", 3).has_value());
}

TEST_F(StreamingSavedModelAdapterTest, AFailureAfterTheLoadFailsIt) {
  PutModel("half_plus_two", /*manifest=*/false);
  after_load_ = [](const tfs::Loader::Metadata& metadata, const std::string& export_dir,
                   tensorflow::SavedModelBundle& bundle) {
    EXPECT_EQ(metadata.servable_id.version, 3);
    EXPECT_NE(bundle.GetSession(), nullptr);
    return absl::InvalidArgumentError("warm-up of " + export_dir);
  };
  UseStore(memory_);
  const std::unique_ptr<tfs::Loader> loader = MakeLoader("s3://b/m/3");
  EXPECT_THAT(loader->LoadWithMetadata(metadata_).message(), HasSubstr("warm-up of remote://"));
  EXPECT_EQ(loader->servable().get<tensorflow::SavedModelBundle>(), nullptr);
}

TEST_F(StreamingSavedModelAdapterTest, APathThatIsNoUrlBecomesAnErrorItem) {
  const auto item =
      adapter_->AdaptOneVersion(tfs::CreateServableData<std::string>({"m", 3}, "http://x/y"));
  EXPECT_TRUE(absl::IsInvalidArgument(item.status()));
}

}  // namespace
}  // namespace tfserving_remote

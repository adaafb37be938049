// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/streaming_adapter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensorflow/core/platform/env.h"
#include "tensorflow_serving/core/simple_loader.h"
#include "tfserving_remote/stream/test_versions.h"
#include "tfserving_remote/testing/one_store.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using ::testing::HasSubstr;

// A model type whose version is one text.
struct Text {
  std::string content;
  std::string folder;
};

// Written as for TensorFlow Serving's own tree: it knows folders and TensorFlow's file systems.
class TextAdapter final : public tfs::SimpleLoaderSourceAdapter<tfs::StoragePath, Text> {
 public:
  TextAdapter() : SimpleLoaderSourceAdapter(&ReadText, EstimateNoResources()) {}
  ~TextAdapter() override { Detach(); }

 private:
  static absl::Status ReadText(const tfs::StoragePath& folder, std::unique_ptr<Text>* text) {
    *text = std::make_unique<Text>();
    (*text)->folder = folder;
    return tensorflow::ReadFileToString(tensorflow::Env::Default(), folder + "/text.txt",
                                        &(*text)->content);
  }
};

class StreamingPlatformAdapterTest : public ::testing::Test {
 protected:
  StreamingPlatformAdapterTest() {
    StreamingOptions options;
    options.stores = std::make_shared<OneStore>(memory_);
    options.transfers = CreateTransferPool({});
    options.ledger = ledger_;
    adapter_ = *StreamingPlatformAdapter::Create(options, std::make_unique<TextAdapter>());
  }

  std::unique_ptr<tfs::Loader> MakeLoader() {
    return adapter_->AdaptOneVersion(tfs::CreateServableData<std::string>({"m", 3}, "s3://b/m/3"))
        .ConsumeDataOrDie();
  }

  const std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>("s3://b/");
  const std::shared_ptr<LoadLedger> ledger_ = std::make_shared<LoadLedger>();
  const tfs::Loader::Metadata metadata_ = {{"m", 3}};
  std::unique_ptr<StreamingPlatformAdapter> adapter_;
};

TEST_F(StreamingPlatformAdapterTest, StreamsWhatAnAdapterForFoldersLoads) {
  const TestFiles files = {{"text.txt", "to be served"}};
  PutFiles(*memory_, "m/3/", files);
  memory_->Put("m/3.manifest.json", MakeTestManifest(3, files, 1 << 20));
  const std::unique_ptr<tfs::Loader> loader = MakeLoader();
  const absl::Status loaded = loader->LoadWithMetadata(metadata_);
  ASSERT_TRUE(loaded.ok()) << loaded;
  const Text* const text = loader->servable().get<Text>();
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(text->content, "to be served");
  EXPECT_THAT(text->folder, HasSubstr("remote://"));
  loader->Unload();
  EXPECT_EQ(loader->servable().get<Text>(), nullptr);
}

TEST_F(StreamingPlatformAdapterTest, NeverLoadsBytesThatDifferFromTheManifest) {
  memory_->Put("m/3/text.txt", "to be served");
  memory_->Put("m/3.manifest.json", MakeTestManifest(3, {{"text.txt", "to be sorted"}}, 1 << 20));
  const std::unique_ptr<tfs::Loader> loader = MakeLoader();
  EXPECT_TRUE(absl::IsDataLoss(loader->LoadWithMetadata(metadata_)));
  EXPECT_EQ(loader->servable().get<Text>(), nullptr);
  EXPECT_TRUE(ledger_->LastFailure("m", 3).has_value());
}

TEST_F(StreamingPlatformAdapterTest, TellsWhichVersionLacksAFile) {
  memory_->Put("m/3/other.txt", "x");
  const absl::Status loaded = MakeLoader()->LoadWithMetadata(metadata_);
  EXPECT_TRUE(absl::IsNotFound(loaded));
  EXPECT_THAT(std::string(loaded.message()), HasSubstr("s3://b/m/3"));
}

TEST_F(StreamingPlatformAdapterTest, ItsLoadersOutliveIt) {
  memory_->Put("m/3/text.txt", "x");
  const std::unique_ptr<tfs::Loader> loader = MakeLoader();
  ASSERT_TRUE(loader->LoadWithMetadata(metadata_).ok());
  adapter_.reset();
  EXPECT_EQ(loader->servable().get<Text>()->content, "x");
  loader->Unload();
}

}  // namespace
}  // namespace tfserving_remote

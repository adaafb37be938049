// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/hashmap/hashmap_source_adapter.h"

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/platform/path.h"

namespace tensorflow {
namespace serving {
namespace {

using Hashmap = std::unordered_map<std::string, std::string>;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class HashmapSourceAdapterTest : public ::testing::Test {
 protected:
  HashmapSourceAdapterTest()
      : folder_(io::JoinPath(::testing::TempDir(),
                             absl::StrCat("hashmap_", Env::Default()->NowMicros()))) {
    EXPECT_TRUE(Env::Default()->CreateDir(folder_).ok());
  }
  ~HashmapSourceAdapterTest() override {
    int64_t undeleted_files = 0;
    int64_t undeleted_dirs = 0;
    Env::Default()->DeleteRecursively(folder_, &undeleted_files, &undeleted_dirs).IgnoreError();
  }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = io::JoinPath(folder_, name);
    EXPECT_TRUE(WriteStringToFile(Env::Default(), path, text).ok());
    return path;
  }
  // Of a loader that outlives its adapter.
  std::unique_ptr<Loader> LoaderFor(const std::string& path) {
    HashmapSourceAdapter adapter((HashmapSourceAdapterConfig()));
    return adapter.AdaptOneVersion({{"m", 1}, path}).ConsumeDataOrDie();
  }
  absl::Status Load(const std::string& path) {
    const absl::Status status = (loader_ = LoaderFor(path))->LoadWithMetadata({{"m", 1}});
    const Hashmap* const hashmap = loader_->servable().get<Hashmap>();
    loaded_ = hashmap == nullptr ? Hashmap() : *hashmap;
    return status;
  }

  const std::string folder_;
  std::unique_ptr<Loader> loader_;
  Hashmap loaded_;
};

TEST_F(HashmapSourceAdapterTest, LoadsAFile) {
  ASSERT_TRUE(Load(Write("table", "a,apple\r\n\nb,\nc d,e f")).ok());
  EXPECT_THAT(loaded_, UnorderedElementsAre(Pair("a", "apple"), Pair("b", ""), Pair("c d", "e f")));
  ResourceAllocation estimate;
  EXPECT_TRUE(loader_->EstimateResources(&estimate).ok());
  EXPECT_EQ(estimate.resource_quantities_size(), 0);
  loader_->Unload();
}

TEST_F(HashmapSourceAdapterTest, LoadsTheOneTableOfAFolder) {
  Write("README", "not,a,table");
  EXPECT_THAT(Load(folder_).message(), EndsWith("holds 0 files *.csv, but must hold one"));
  Write("table.csv", "a,apple\n");
  ASSERT_TRUE(Load(folder_).ok());
  EXPECT_THAT(loaded_, UnorderedElementsAre(Pair("a", "apple")));
  Write("other.csv", "");
  EXPECT_TRUE(absl::IsInvalidArgument(Load(folder_)));
}

TEST_F(HashmapSourceAdapterTest, NamesTheLineThatIsBad) {
  absl::Status status = Load(Write("table", "a,apple\n\nb"));
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(), EndsWith("table, line 3: expected 'key,value', found 1 fields"));
  status = Load(Write("table", "a,apple,pear\n"));
  EXPECT_THAT(status.message(), HasSubstr("line 1: expected 'key,value', found 3 fields"));
  EXPECT_TRUE(loaded_.empty());
}

TEST_F(HashmapSourceAdapterTest, RefusesTwoValuesOfOneKey) {
  EXPECT_TRUE(Load(Write("table", "a,apple\na,apple\n")).ok());
  const absl::Status status = Load(Write("table", "a,apple\nb,b\na,pear\n"));
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(), HasSubstr("line 3: key 'a' has another value further up"));
}

TEST_F(HashmapSourceAdapterTest, SaysWhatIsNotThere) {
  EXPECT_TRUE(absl::IsNotFound(Load(io::JoinPath(folder_, "nothing"))));
}

TEST_F(HashmapSourceAdapterTest, IsMadeAsARegistryWantsIt) {
  std::unique_ptr<StoragePathSourceAdapter> adapter;
  ASSERT_TRUE(HashmapSourceAdapter::Create(HashmapSourceAdapterConfig(), &adapter).ok());
  HashmapSourceAdapterConfig from_the_future;
  from_the_future.set_format(static_cast<HashmapSourceAdapterConfig::Format>(7));
  const absl::Status status = HashmapSourceAdapter::Create(from_the_future, &adapter);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(), HasSubstr("format 7"));
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

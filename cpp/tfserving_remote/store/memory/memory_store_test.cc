// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/memory/memory_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tfserving_remote/testing/object_store_conformance.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;

class MemorySubject final : public StoreUnderTest {
 public:
  ObjectStore& store() override { return store_; }
  void Put(const std::string& key, const std::string& bytes) override { store_.Put(key, bytes); }
  void Delete(const std::string& key) override { store_.Delete(key); }
  std::string Root() override { return ""; }

 private:
  MemoryStore store_;
};

INSTANTIATE_TEST_SUITE_P(Memory, ObjectStoreConformance,
                         ::testing::Values(StoreFactory{"Memory", [](std::string&) {
                                                          return std::make_unique<MemorySubject>();
                                                        }}));

TEST(MemoryStoreTest, CountsWhatItWasAskedFor) {
  MemoryStore store;
  const std::string tag = store.Put("m/1/a", "hello");
  std::string into(3, '\0');
  ASSERT_TRUE(store.Read("m/1/a", tag, 1, absl::MakeSpan(into), {}).ok());
  ASSERT_TRUE(store.ReadAll("m/1/a", 5, {}).ok());
  ASSERT_TRUE(store.Head("m/1/a", {}).ok());
  ASSERT_TRUE(store.List("m/", ListDepth::kRecursive, {}).ok());
  EXPECT_EQ(into, "ell");
  EXPECT_EQ(store.counts().read, 1);
  EXPECT_EQ(store.counts().read_all, 1);
  EXPECT_EQ(store.counts().head, 1);
  EXPECT_EQ(store.counts().list, 1);
  EXPECT_EQ(store.counts().bytes, 8u);
}

TEST(MemoryStoreTest, EveryPutGivesANewTagAlsoForTheSameBytes) {
  MemoryStore store;
  const std::string first = store.Put("a", "x");
  EXPECT_NE(store.Put("a", "x"), first);
  char byte;
  EXPECT_TRUE(absl::IsFailedPrecondition(store.Read("a", first, 0, absl::MakeSpan(&byte, 1), {})));
}

TEST(MemoryStoreTest, DeletesOneOrAWholePrefix) {
  MemoryStore store;
  store.Put("m/1/a", "x");
  store.Put("m/1/b", "x");
  store.Put("m2/1/a", "x");
  EXPECT_TRUE(store.Delete("m/1/a"));
  EXPECT_FALSE(store.Delete("m/1/a"));
  EXPECT_EQ(store.DeletePrefix("m/"), 1);
  EXPECT_EQ(store.List("", ListDepth::kRecursive, {})->objects.size(), 1u);
}

TEST(MemoryStoreTest, SaysWhichObjectIsMissing) {
  MemoryStore store("s3://bucket/");
  EXPECT_THAT(store.Head("m/1/a", {}).status().message(),
              HasSubstr("HEAD s3://bucket/m/1/a: no such object"));
}

}  // namespace
}  // namespace tfserving_remote

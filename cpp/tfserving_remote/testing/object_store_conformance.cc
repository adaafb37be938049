// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/testing/object_store_conformance.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace tfserving_remote {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

StoreFactory::StoreFactory(std::string name, Make make)
    : name(std::move(name)), make(std::move(make)) {}

void ObjectStoreConformance::SetUp() {
  std::string why_not;
  subject_ = GetParam().make(why_not);
  if (subject_ == nullptr) GTEST_SKIP() << why_not;
  root_ = subject_->Root();
}

std::string ObjectStoreConformance::Key(absl::string_view relative) const {
  return absl::StrCat(root_, relative);
}

void ObjectStoreConformance::Put(absl::string_view relative, absl::string_view bytes) {
  subject_->Put(Key(relative), std::string(bytes));
}

std::string ObjectStoreConformance::Tag(absl::string_view relative) {
  const absl::StatusOr<ObjectInfo> info = store().Head(Key(relative), {});
  EXPECT_TRUE(info.ok()) << info.status();
  return info.ok() ? info->tag : "";
}

absl::StatusOr<std::string> ObjectStoreConformance::Read(absl::string_view relative,
                                                         absl::string_view tag, uint64_t offset,
                                                         size_t length) {
  std::string bytes(length, '?');
  absl::Status status = store().Read(Key(relative), tag, offset, absl::MakeSpan(bytes), {});
  if (!status.ok()) return status;
  return bytes;
}

std::string ObjectStoreConformance::Bytes(absl::string_view relative, absl::string_view tag,
                                          uint64_t offset, size_t length) {
  const absl::StatusOr<std::string> bytes = Read(relative, tag, offset, length);
  return bytes.ok() ? *bytes : bytes.status().ToString();
}

std::vector<std::string> ObjectStoreConformance::Names(absl::string_view prefix, ListDepth depth) {
  const absl::StatusOr<Listing> listing = store().List(Key(prefix), depth, {});
  EXPECT_TRUE(listing.ok()) << listing.status();
  std::vector<std::string> names;
  if (!listing.ok()) return names;
  for (const ObjectInfo& object : listing->objects) {
    names.emplace_back(absl::StripPrefix(object.key, root_));
  }
  for (const std::string& folder : listing->prefixes) {
    names.emplace_back(absl::StripPrefix(folder, root_));
  }
  return names;
}

TEST_P(ObjectStoreConformance, ReadsBackWhatWasPut) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes.push_back(static_cast<char>(i * 7));
  Put("m/1/a", bytes);
  const std::string tag = Tag("m/1/a");
  EXPECT_EQ(Bytes("m/1/a", tag, 0, 1000), bytes);
  EXPECT_EQ(Bytes("m/1/a", tag, 0, 1), bytes.substr(0, 1));
  EXPECT_EQ(Bytes("m/1/a", tag, 999, 1), bytes.substr(999));
  EXPECT_EQ(Bytes("m/1/a", tag, 17, 500), bytes.substr(17, 500));
}

TEST_P(ObjectStoreConformance, ListHeadAndReadAllAgreeOnSizeAndTag) {
  Put("m/1/a", "hello");
  const absl::StatusOr<ObjectInfo> head = store().Head(Key("m/1/a"), {});
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->size, 5u);
  EXPECT_EQ(head->key, Key("m/1/a"));
  EXPECT_THAT(head->tag, Not(IsEmpty()));
  const absl::StatusOr<Listing> listing = store().List(Key("m/"), ListDepth::kRecursive, {});
  ASSERT_TRUE(listing.ok()) << listing.status();
  EXPECT_THAT(listing->objects, ElementsAre(*head));
  const absl::StatusOr<ObjectStore::Content> content = store().ReadAll(Key("m/1/a"), 5, {});
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(content->info, *head);
  EXPECT_EQ(content->bytes, "hello");
}

TEST_P(ObjectStoreConformance, OneLevelShowsObjectsAndFolders) {
  Put("m/1/saved_model.pb", "x");
  Put("m/1/variables/variables.index", "x");
  Put("m/2/saved_model.pb", "x");
  Put("m/3.manifest.json", "{}");
  Put("m2/1/saved_model.pb", "x");
  EXPECT_THAT(Names("m/", ListDepth::kOneLevel), ElementsAre("m/3.manifest.json", "m/1/", "m/2/"));
}

TEST_P(ObjectStoreConformance, RecursiveShowsAllBelowAndNoSibling) {
  Put("m/1/saved_model.pb", "x");
  Put("m/1/variables/variables.index", "x");
  Put("m2/1/saved_model.pb", "x");
  EXPECT_THAT(Names("m/", ListDepth::kRecursive),
              ElementsAre("m/1/saved_model.pb", "m/1/variables/variables.index"));
}

TEST_P(ObjectStoreConformance, ListsMoreThanOnePageSortedAndWhole) {
  const int count = subject_->ManyObjects();
  for (int i = 0; i < count; ++i) Put(absl::StrFormat("many/%05d/x", i), "x");
  const std::vector<std::string> names = Names("many/", ListDepth::kRecursive);
  EXPECT_EQ(names.size(), static_cast<size_t>(count));
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(Names("many/", ListDepth::kOneLevel).size(), static_cast<size_t>(count));
}

TEST_P(ObjectStoreConformance, PrefixesMustEndWithASlash) {
  EXPECT_TRUE(absl::IsInvalidArgument(store().List(Key("m"), ListDepth::kOneLevel, {}).status()));
}

TEST_P(ObjectStoreConformance, AMissingObjectIsNotFound) {
  Put("m/there", "x");
  EXPECT_TRUE(absl::IsNotFound(store().Head(Key("m/missing"), {}).status()));
  EXPECT_TRUE(absl::IsNotFound(store().ReadAll(Key("m/missing"), 10, {}).status()));
  const absl::Status read = Read("m/missing", "tag", 0, 1).status();
  // S3 may look at the condition before it looks for the object.
  EXPECT_TRUE(absl::IsNotFound(read) || absl::IsFailedPrecondition(read)) << read;
  EXPECT_THAT(std::string(read.message()), HasSubstr("m/missing"));
}

TEST_P(ObjectStoreConformance, AReplacedObjectIsNeverRead) {
  Put("m/a", "first");
  const std::string tag = Tag("m/a");
  Put("m/a", "other");
  const absl::Status status = Read("m/a", tag, 0, 5).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(Bytes("m/a", Tag("m/a"), 0, 5), "other");
}

TEST_P(ObjectStoreConformance, ADeletedObjectIsNeverRead) {
  Put("m/a", "first");
  const std::string tag = Tag("m/a");
  subject_->Delete(Key("m/a"));
  const absl::Status status = Read("m/a", tag, 0, 5).status();
  EXPECT_TRUE(absl::IsNotFound(status) || absl::IsFailedPrecondition(status)) << status;
}

TEST_P(ObjectStoreConformance, ARangeBehindTheEndIsOutOfRange) {
  Put("m/a", "hello");
  const std::string tag = Tag("m/a");
  for (const auto& [offset, length] :
       {std::pair(0, 6), std::pair(3, 3), std::pair(5, 1), std::pair(100, 10)}) {
    const absl::Status status = Read("m/a", tag, offset, length).status();
    EXPECT_TRUE(absl::IsOutOfRange(status)) << offset << "+" << length << ": " << status;
  }
}

TEST_P(ObjectStoreConformance, EmptyReadsAndEmptyTags) {
  Put("m/a", "hello");
  EXPECT_EQ(Bytes("m/a", Tag("m/a"), 2, 0), "");
  EXPECT_TRUE(absl::IsInvalidArgument(Read("m/a", "", 0, 1).status()));
}

TEST_P(ObjectStoreConformance, EmptyObjectsAreObjects) {
  Put("m/empty", "");
  const absl::StatusOr<ObjectInfo> head = store().Head(Key("m/empty"), {});
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->size, 0u);
  const absl::StatusOr<ObjectStore::Content> content = store().ReadAll(Key("m/empty"), 0, {});
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(content->bytes, "");
  EXPECT_THAT(Names("m/", ListDepth::kRecursive), ElementsAre("m/empty"));
}

TEST_P(ObjectStoreConformance, ReadAllStopsAtItsLimit) {
  Put("m/a", "hello");
  EXPECT_TRUE(absl::IsResourceExhausted(store().ReadAll(Key("m/a"), 4, {}).status()));
  EXPECT_TRUE(store().ReadAll(Key("m/a"), 5, {}).ok());
}

TEST_P(ObjectStoreConformance, KeysMayHoldAnyCharacter) {
  const std::vector<std::string> names = {"a b",   "a+b",  "a%20b",  "a&b=c", "a?b", "a#b",
                                          "größe", "日本", "a'b\"c", "a*b",   "a~b", "a:b;c"};
  for (const std::string& name : names) Put(absl::StrCat("odd/", name, "/x"), name);
  for (const std::string& name : names) {
    const std::string relative = absl::StrCat("odd/", name, "/x");
    const absl::StatusOr<ObjectStore::Content> content = store().ReadAll(Key(relative), 100, {});
    ASSERT_TRUE(content.ok()) << content.status();
    EXPECT_EQ(content->bytes, name);
    EXPECT_EQ(Bytes(relative, content->info.tag, 0, name.size()), name);
    EXPECT_THAT(Names(absl::StrCat("odd/", name, "/"), ListDepth::kRecursive),
                ElementsAre(relative));
  }
  EXPECT_EQ(Names("odd/", ListDepth::kOneLevel).size(), names.size());
}

TEST_P(ObjectStoreConformance, KeysThatNoFileNameCanBe) {
  if (!subject_->AnyKey()) GTEST_SKIP() << "keys are paths here";
  Put("k/", "");
  Put("k/a", "1");
  Put("k/a/b", "2");
  EXPECT_THAT(Names("k/", ListDepth::kRecursive), ElementsAre("k/", "k/a", "k/a/b"));
  EXPECT_THAT(Names("k/", ListDepth::kOneLevel), ElementsAre("k/", "k/a", "k/a/"));
  EXPECT_EQ(Bytes("k/a", Tag("k/a"), 0, 1), "1");
}

TEST_P(ObjectStoreConformance, ACancelledCallEndsAsCancelled) {
  Put("m/a", "hello");
  const std::string tag = Tag("m/a");
  Cancellation cancellation;
  cancellation.Cancel();
  StoreCallOptions options;
  options.cancellation = &cancellation;
  char byte;
  EXPECT_TRUE(absl::IsCancelled(store().List(Key("m/"), ListDepth::kOneLevel, options).status()));
  EXPECT_TRUE(absl::IsCancelled(store().Head(Key("m/a"), options).status()));
  EXPECT_TRUE(
      absl::IsCancelled(store().Read(Key("m/a"), tag, 0, absl::MakeSpan(&byte, 1), options)));
}

TEST_P(ObjectStoreConformance, ManyThreadsReadOneObject) {
  std::string bytes(1 << 20, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 >> 5);
  Put("m/big", bytes);
  const std::string tag = Tag("m/big");
  constexpr size_t kParts = 8;
  const size_t part = bytes.size() / kParts;
  std::string into(bytes.size(), '\0');
  std::vector<absl::Status> statuses(kParts);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kParts; ++i) {
    threads.emplace_back([&, i] {
      statuses[i] =
          store().Read(Key("m/big"), tag, i * part, absl::MakeSpan(&into[i * part], part), {});
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& status : statuses) EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(into, bytes);
}

}  // namespace tfserving_remote

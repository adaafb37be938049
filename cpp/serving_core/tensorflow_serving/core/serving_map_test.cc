// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/serving_map.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/test_util/test_support.h"

namespace tensorflow {
namespace serving {
namespace internal {
namespace {

using test_util::ScriptedLoader;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Handle = std::unique_ptr<UntypedServableHandle>;

// A loader whose servable is its version, and -1 when it was unloaded.
std::unique_ptr<Loader> Loaded(const ServableId& id) {
  auto loader = std::make_unique<ScriptedLoader>();
  EXPECT_TRUE(loader->LoadWithMetadata({id}).ok());
  return loader;
}

int64_t ServableOf(const Handle& handle) { return *handle->servable().get<int64_t>(); }

class ServingMapTest : public ::testing::Test {
 protected:
  Loader* Add(const ServableId& id) {
    loaders_.push_back(Loaded(id));
    map_.Add(id, loaders_.back().get());
    return loaders_.back().get();
  }

  // The version, or 0 for kNotFound.
  int64_t Find(const ServableRequest& request) {
    Handle handle;
    const absl::Status status = map_.Find(request, &handle);
    EXPECT_EQ(status.ok(), handle != nullptr);
    if (!status.ok()) {
      EXPECT_TRUE(absl::IsNotFound(status)) << status;
      return 0;
    }
    EXPECT_EQ(handle->id().name, request.name);
    EXPECT_EQ(handle->id().version, ServableOf(handle));
    return ServableOf(handle);
  }

  std::vector<std::unique_ptr<Loader>> loaders_;
  ServingMap map_;
};

TEST_F(ServingMapTest, FindsTheLatestTheEarliestAndASpecificVersion) {
  for (const int64_t version : {2, 30, 7}) Add({"m", version});
  Add({"other", 99});
  EXPECT_EQ(Find(ServableRequest::Latest("m")), 30);
  EXPECT_EQ(Find(ServableRequest::Earliest("m")), 2);
  EXPECT_EQ(Find(ServableRequest::Specific("m", 7)), 7);
  EXPECT_EQ(Find(ServableRequest::Specific("m", 8)), 0);
  EXPECT_EQ(Find(ServableRequest::Latest("M")), 0);
}

TEST_F(ServingMapTest, SaysWhatItDidNotFindAndLeavesTheHandleAlone) {
  Add({"m", 1});
  Handle handle;
  ASSERT_TRUE(map_.Find(ServableRequest::Latest("m"), &handle).ok());
  EXPECT_EQ(map_.Find(ServableRequest::Specific("m", 2), &handle),
            absl::NotFoundError("Servable not found for request: Specific(m, 2)"));
  EXPECT_EQ(map_.Find(ServableRequest::Earliest("n"), &handle),
            absl::NotFoundError("Servable not found for request: Earliest(n)"));
  EXPECT_EQ(ServableOf(handle), 1);
}

TEST_F(ServingMapTest, FindsNothingThatWasRemoved) {
  for (const int64_t version : {1, 2, 3}) Add({"m", version});
  EXPECT_NE(map_.Remove({"m", 3}), nullptr);
  EXPECT_EQ(Find(ServableRequest::Latest("m")), 2);
  EXPECT_NE(map_.Remove({"m", 1}), nullptr);
  EXPECT_EQ(Find(ServableRequest::Earliest("m")), 2);
  EXPECT_NE(map_.Remove({"m", 2}), nullptr);
  EXPECT_EQ(Find(ServableRequest::Latest("m")), 0);
  EXPECT_EQ(map_.Remove({"m", 2}), nullptr);
  EXPECT_EQ(map_.Remove({"never there", 1}), nullptr);
  Add({"m", 4});
  EXPECT_EQ(Find(ServableRequest::Latest("m")), 4);
}

TEST_F(ServingMapTest, IsIdleAtOnceWithoutHandles) {
  Add({"m", 1});
  { EXPECT_EQ(Find(ServableRequest::Latest("m")), 1); }
  const auto use = map_.Remove({"m", 1});
  EXPECT_TRUE(use->IsIdle());
  int calls = 0;
  use->CallWhenIdle([&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST_F(ServingMapTest, TellsOnceWhenTheLastHandleIsGone) {
  Add({"m", 1});
  Add({"m", 2});
  Handle first = map_.Find("m", 1, ServableRequest::AutoVersionPolicy::kLatest);
  Handle second = map_.Find("m", 1, ServableRequest::AutoVersionPolicy::kLatest);
  const Handle of_other_version = map_.Find("m", 2, ServableRequest::AutoVersionPolicy::kLatest);
  const auto use = map_.Remove({"m", 1});
  int calls = 0;
  use->CallWhenIdle([&] { ++calls; });
  first.reset();
  EXPECT_EQ(ServableOf(second), 1);
  EXPECT_EQ(calls, 0);
  EXPECT_FALSE(use->IsIdle());
  second.reset();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(use->IsIdle());
}

TEST_F(ServingMapTest, CountsHandlesOfMoreThreadsThanItHasCounts) {
  Add({"m", 1});
  std::vector<Handle> handles(2 * ServableUse::NumCounts() + 3);
  std::vector<std::thread> threads;
  for (Handle& handle : handles) {
    threads.emplace_back(
        [&] { ASSERT_TRUE(map_.Find(ServableRequest::Latest("m"), &handle).ok()); });
  }
  for (std::thread& thread : threads) thread.join();
  const auto use = map_.Remove({"m", 1});
  // Dropped by another thread than the one that found it.
  while (!handles.empty()) {
    EXPECT_FALSE(use->IsIdle());
    handles.pop_back();
  }
  EXPECT_TRUE(use->IsIdle());
}

TEST_F(ServingMapTest, AHandleMayOutliveTheMapAndEveryOtherOwner) {
  const std::unique_ptr<Loader> loader = Loaded({"m", 5});
  auto map = std::make_unique<ServingMap>();
  map->Add({"m", 5}, loader.get());
  Handle of_removed;
  ASSERT_TRUE(map->Find(ServableRequest::Latest("m"), &of_removed).ok());
  map->Remove({"m", 5});
  map->Add({"m", 5}, loader.get());
  Handle of_present;
  ASSERT_TRUE(map->Find(ServableRequest::Latest("m"), &of_present).ok());
  map.reset();
  EXPECT_EQ(of_removed->id(), (ServableId{"m", 5}));
  EXPECT_EQ(ServableOf(of_present), 5);
}

TEST_F(ServingMapTest, ReplacesAServableOfTheSameId) {
  Loader* const first = Add({"m", 1});
  Handle of_first;
  ASSERT_TRUE(map_.Find(ServableRequest::Latest("m"), &of_first).ok());
  Loader* const second = Add({"m", 1});
  Handle of_second;
  ASSERT_TRUE(map_.Find(ServableRequest::Latest("m"), &of_second).ok());
  EXPECT_EQ(of_first->servable().get<int64_t>(), first->servable().get<int64_t>());
  EXPECT_EQ(of_second->servable().get<int64_t>(), second->servable().get<int64_t>());
  EXPECT_THAT(map_.GetIds(), ElementsAre(ServableId{"m", 1}));
}

TEST_F(ServingMapTest, GivesHandlesToAll) {
  EXPECT_THAT(map_.GetHandles(), IsEmpty());
  for (const int64_t version : {3, 1}) Add({"m", version});
  Add({"n", 2});
  Add({"gone", 4});
  map_.Remove({"gone", 4});
  EXPECT_THAT(map_.GetIds(),
              UnorderedElementsAre(ServableId{"m", 1}, ServableId{"m", 3}, ServableId{"n", 2}));
  std::vector<std::string> found;
  for (const auto& [id, handle] : map_.GetHandles()) {
    EXPECT_EQ(handle->id(), id);
    found.push_back(absl::StrCat(id.name, "/", ServableOf(handle)));
  }
  EXPECT_THAT(found, ElementsAre("m/1", "m/3", "n/2"));
}

TEST_F(ServingMapTest, FindsEachOfThousandsOfStreams) {
  constexpr int kStreams = 3000;
  const auto name = [](int i) { return absl::StrCat("a rather long name of a stream ", i); };
  for (int i = 0; i < kStreams; ++i) Add({name(i), i + 1});
  for (int i = 0; i < kStreams; ++i) ASSERT_EQ(Find(ServableRequest::Latest(name(i))), i + 1);
  for (int i = 0; i < kStreams; ++i) {
    if (i % 10 != 0) map_.Remove({name(i), i + 1});
  }
  for (int i = 0; i < kStreams; ++i) {
    ASSERT_EQ(Find(ServableRequest::Latest(name(i))), i % 10 == 0 ? i + 1 : 0);
  }
  EXPECT_EQ(map_.GetIds().size(), kStreams / 10);
  for (int i = 0; i < kStreams; ++i) Add({name(i), i + 2});
  for (int i = 0; i < kStreams; ++i) ASSERT_EQ(Find(ServableRequest::Latest(name(i))), i + 2);
}

// Swaps versions of one stream, each unloaded by whoever holds it last, and beside it streams that
// come and go, so that the table changes as well.
class Swapper {
 public:
  static constexpr int64_t kLast = 600;

  explicit Swapper(ServingMap* map) : map_(map) {
    for (int64_t version = 1; version <= kLast; ++version)
      loaders_.push_back(Loaded({"m", version}));
    map_->Add({"m", 1}, loaders_[0].get());
  }
  void Run() {
    for (int64_t version = 2; version <= kLast; ++version) {
      map_->Add({"m", version}, loaders_[version - 1].get());
      UnloadWhenIdle(version - 1);
      const ServableId passing{absl::StrCat("passing ", version), 1};
      map_->Add(passing, loaders_[0].get());
      map_->Remove(passing);
    }
  }
  int num_unloads() const { return num_unloads_; }

 private:
  void UnloadWhenIdle(int64_t version) {
    map_->Remove({"m", version})->CallWhenIdle([this, loader = loaders_[version - 1].get()] {
      loader->Unload();
      ++num_unloads_;
    });
  }

  ServingMap* const map_;
  std::vector<std::unique_ptr<Loader>> loaders_;
  std::atomic<int> num_unloads_{0};
};

// Holds what it finds until the next one is there; counts what must not happen.
int LookUpUntilTheLast(ServingMap* map) {
  int wrong = 0;
  Handle previous;
  for (int64_t latest = 0; latest < Swapper::kLast;) {
    Handle handle;
    if (!map->Find(ServableRequest::Latest("m"), &handle).ok()) return wrong + 1;
    const int64_t version = handle->id().version;
    if (version < latest || ServableOf(handle) != version) ++wrong;
    if (previous != nullptr && ServableOf(previous) != previous->id().version) ++wrong;
    latest = version;
    if (map->Find("m", version + 1, ServableRequest::AutoVersionPolicy::kLatest) == nullptr) {
      previous = std::move(handle);
    }
    if (version % 16 != 0) continue;
    const auto handles = map->GetHandles();
    if (handles.lower_bound({"m", version}) == handles.end()) ++wrong;
  }
  return wrong;
}

TEST(ServingMapStressTest, AlwaysFindsAVersionWhileVersionsSwapAndNoneIsUnloadedInUse) {
  ServingMap map;
  Swapper swapper(&map);
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] { wrong += LookUpUntilTheLast(&map); });
  }
  swapper.Run();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(swapper.num_unloads(), Swapper::kLast - 1);
  EXPECT_THAT(map.GetIds(), ElementsAre(ServableId{"m", Swapper::kLast}));
}

TEST(ServingMapStressTest, NeverMissesAStreamWhoseVersionsSwapAsFastAsTheyCan) {
  constexpr int64_t kSwaps = 20000;
  const std::unique_ptr<Loader> loader = Loaded({"m", 1});
  ServingMap map;
  map.Add({"m", 0}, loader.get());
  std::atomic<bool> stop{false};
  std::atomic<int> misses{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      const auto latest = ServableRequest::AutoVersionPolicy::kLatest;
      while (!stop) misses += map.Find("m", absl::nullopt, latest) == nullptr;
    });
  }
  for (int64_t version = 1; version <= kSwaps; ++version) {
    map.Add({"m", version}, loader.get());
    map.Remove({"m", version - 1});
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(misses, 0);
}

TEST(ServingMapStressTest, UpdatesOfManyThreadsAllCount) {
  constexpr int kThreads = 4;
  constexpr int kStreams = 200;
  const std::unique_ptr<Loader> loader = Loaded({"any", 1});
  ServingMap map;
  std::atomic<int> idle{0};
  std::vector<std::thread> writers;
  for (int i = 0; i < kThreads; ++i) {
    writers.emplace_back([&, i] {
      for (int stream = 0; stream < kStreams; ++stream) {
        map.Add({absl::StrCat("m", stream), i + 1}, loader.get());
        map.Remove({absl::StrCat("m", stream), i + 1})->CallWhenIdle([&] { ++idle; });
        map.Add({absl::StrCat("m", stream), i + 1}, loader.get());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(idle, kThreads * kStreams);
  EXPECT_EQ(map.GetIds().size(), kThreads * kStreams);
}

}  // namespace
}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

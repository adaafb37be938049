// SPDX-License-Identifier: Apache-2.0
// Tests of targets and source adapters.
#include "tensorflow_serving/core/source_adapter.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tensorflow {
namespace serving {
namespace {

using ::testing::ElementsAre;
using PathData = ServableData<StoragePath>;
using SizeData = ServableData<size_t>;

class RecordingTarget final : public TargetBase<StoragePath> {
 public:
  ~RecordingTarget() override { Detach(); }

  std::vector<std::string> seen;

 private:
  void SetAspiredVersions(const absl::string_view servable_name,
                          std::vector<PathData> versions) override {
    for (const PathData& version : versions) {
      seen.push_back(std::string(servable_name) + "=" + version.DataOrDie());
    }
  }
};

class OneShotSource final : public Source<StoragePath> {
 public:
  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override {
    callback("m", {PathData({"m", 1}, "/m/1")});
  }
};

TEST(TargetTest, HearsWhatTheConnectedSourceAspiresTo) {
  OneShotSource source;
  RecordingTarget target;
  ConnectSourceToTarget<StoragePath>(&source, &target);
  EXPECT_THAT(target.seen, ElementsAre("m=/m/1"));
}

TEST(TargetTest, CallbackDoesNothingAfterTheTargetsDeath) {
  auto target = std::make_unique<RecordingTarget>();
  const Source<StoragePath>::AspiredVersionsCallback callback =
      target->GetAspiredVersionsCallback();
  target.reset();
  callback("m", {PathData({"m", 1}, "/m/1")});
}

class TargetThatForgetsToDetach final : public TargetBase<StoragePath> {
 private:
  void SetAspiredVersions(const absl::string_view, std::vector<PathData>) override {}
};

class TargetThatDetachesTwice final : public TargetBase<StoragePath> {
 public:
  ~TargetThatDetachesTwice() override {
    Detach();
    Detach();
  }

 private:
  void SetAspiredVersions(const absl::string_view, std::vector<PathData>) override {}
};

TEST(TargetDeathTest, EveryLeafDetachesExactlyOnce) {
  EXPECT_DEBUG_DEATH({ TargetThatForgetsToDetach target; }, "Detach\\(\\) must be called by");
  EXPECT_DEBUG_DEATH({ TargetThatDetachesTwice target; }, "Detach\\(\\) must be called only once");
}

// Path to its length; the empty path is an error.
class SizeAdapter final : public UnarySourceAdapter<StoragePath, size_t> {
 public:
  ~SizeAdapter() override { TargetBase<StoragePath>::Detach(); }

 private:
  absl::Status Convert(const StoragePath& data, size_t* converted_data) override {
    if (data.empty()) return absl::InvalidArgumentError("empty path");
    *converted_data = data.size();
    return absl::OkStatus();
  }
};

std::vector<std::string> Describe(const std::vector<SizeData>& versions) {
  std::vector<std::string> lines;
  for (const SizeData& version : versions) {
    lines.push_back(std::to_string(version.id().version) + ": " +
                    (version.status().ok() ? std::to_string(version.DataOrDie())
                                           : std::string(version.status().message())));
  }
  return lines;
}

TEST(UnarySourceAdapterTest, ConvertsItemByItemAndKeepsErrorsAndOrder) {
  SizeAdapter adapter;
  std::vector<std::string> seen;
  adapter.SetAspiredVersionsCallback(
      [&](const absl::string_view name, std::vector<SizeData> versions) {
        EXPECT_EQ(name, "m");
        seen = Describe(versions);
      });
  adapter.GetAspiredVersionsCallback()(
      "m", {PathData({"m", 3}, "abc"), PathData({"m", 2}, absl::NotFoundError("gone")),
            PathData({"m", 1}, "")});
  EXPECT_THAT(seen, ElementsAre("3: 3", "2: gone", "1: empty path"));
  EXPECT_EQ(adapter.AdaptOneVersion(PathData({"m", 9}, "four")).DataOrDie(), 4);
}

TEST(ErrorInjectingSourceAdapterTest, ReplacesDataAndKeepsErrors) {
  ErrorInjectingSourceAdapter<StoragePath, size_t> adapter(absl::InternalError("no platform"));
  SourceAdapter<StoragePath, size_t>& base = adapter;
  const std::vector<SizeData> adapted =
      base.Adapt("m", {PathData({"m", 1}, "abc"), PathData({"m", 2}, absl::NotFoundError("gone"))});
  EXPECT_THAT(Describe(adapted), ElementsAre("1: no platform", "2: gone"));
}

TEST(SourceAdapterTest, KeepsAListWaitingUntilItIsWired) {
  SizeAdapter adapter;
  const auto callback = adapter.GetAspiredVersionsCallback();
  std::atomic<bool> wired{false};
  absl::Notification told;
  std::thread source([&] { callback("m", {PathData({"m", 1}, "abc")}); });
  wired = true;
  adapter.SetAspiredVersionsCallback([&](const absl::string_view, std::vector<SizeData>) {
    EXPECT_TRUE(wired);
    told.Notify();
  });
  told.WaitForNotification();
  source.join();
}

TEST(SourceAdapterTest, LetsAWaitingListGoWhenItDiesUnwired) {
  auto adapter = std::make_unique<SizeAdapter>();
  const auto callback = adapter->GetAspiredVersionsCallback();
  absl::Notification started;
  std::thread source([&] {
    started.Notify();
    callback("m", {PathData({"m", 1}, "abc")});
  });
  started.WaitForNotification();
  adapter.reset();
  source.join();
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

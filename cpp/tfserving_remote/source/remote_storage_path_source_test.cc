// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/remote_storage_path_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/store/memory/memory_store.h"
#include "tfserving_remote/testing/fake_clock.h"
#include "tfserving_remote/testing/faulty_store.h"
#include "tfserving_remote/testing/one_store.h"
#include "tfserving_remote/testing/recording_log.h"

namespace tfserving_remote {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Verb = FaultyStore::Verb;

/// A target that keeps what it is told as "<name>: <path> <path>".
class Target {
 public:
  RemoteStoragePathSource::AspiredVersionsCallback Callback() {
    return [this](const absl::string_view name, auto versions) {
      std::string line = absl::StrCat(name, ":");
      for (const auto& version : versions) absl::StrAppend(&line, " ", version.DataOrDie());
      absl::MutexLock lock(&mu_);
      lines_.push_back(std::move(line));
    };
  }

  /// Waits for line number `index` and returns it.
  std::string Line(size_t index) {
    absl::MutexLock lock(&mu_);
    const auto there = [this, index]()
                           ABSL_SHARED_LOCKS_REQUIRED(mu_) { return lines_.size() > index; };
    mu_.Await(absl::Condition(&there));
    return lines_[index];
  }

  size_t size() {
    absl::MutexLock lock(&mu_);
    return lines_.size();
  }

 private:
  absl::Mutex mu_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mu_);
};

class RemoteStoragePathSourceTest : public testing::Test {
 protected:
  RemoteStoragePathSourceTest() {
    for (const char* model : {"a", "b", "c"}) PutVersion(model, 1);
  }

  void PutVersion(const std::string& model, int version) {
    memory_->Put(absl::StrCat(model, "/", version, "/saved_model.pb"), "graph");
    memory_->Put(absl::StrCat(model, "/", version, ".manifest.json"), "{}");
  }

  static MonitoredServable Servable(const std::string& name, const std::string& base_path) {
    return {name, base_path};
  }

  void Start(std::vector<MonitoredServable> servables, absl::Duration wait = absl::Seconds(1)) {
    RemoteStoragePathSource::Options options;
    options.servables = std::move(servables);
    options.poll.wait = wait;
    source_ = *RemoteStoragePathSource::Create(std::move(options), Env());
    source_->SetAspiredVersionsCallback(target_.Callback());
  }

  SourceEnv Env() {
    return {opener_, clock_, log_, &ledger_, [] { return 0.0; }};
  }

  FakeClock clock_;
  RecordingLog log_;
  LoadLedger ledger_;
  std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>("s3://b/");
  std::shared_ptr<FaultyStore> store_ = std::make_shared<FaultyStore>(memory_);
  OneStore opener_{store_};
  Target target_;
  std::unique_ptr<RemoteStoragePathSource> source_;
};

TEST_F(RemoteStoragePathSourceTest, PollsAtOnceAndThenEveryPeriod) {
  Start({Servable("m", "s3://b/a")});
  EXPECT_EQ(target_.Line(0), "m: s3://b/a/1");
  clock_.WaitForSleepers(1);
  PutVersion("a", 2);
  EXPECT_EQ(clock_.AdvanceToNextSleeper(), absl::Seconds(1));
  EXPECT_EQ(target_.Line(1), "m: s3://b/a/1 s3://b/a/2");
}

TEST_F(RemoteStoragePathSourceTest, AStoreThatHangsDelaysNoOtherModel) {
  store_->Hang(Verb::kList, "a/");
  Start({Servable("slow", "s3://b/a"), Servable("quick", "s3://b/b")});
  EXPECT_EQ(target_.Line(0), "quick: s3://b/b/1");
  store_->WaitForHanging(1);
  for (int version = 2; version < 5; ++version) {
    PutVersion("b", version);
    clock_.AdvanceToNextSleeper();
    EXPECT_THAT(target_.Line(static_cast<size_t>(version) - 1),
                HasSubstr(absl::StrCat("s3://b/b/", version)));
  }
  store_->Heal();
  EXPECT_EQ(target_.Line(4), "slow: s3://b/a/1");
}

TEST_F(RemoteStoragePathSourceTest, AStoreThatFailsDelaysNoOtherModelAndItsErrorIsVisible) {
  store_->Fail(Verb::kList, "a/", absl::PermissionDeniedError("403"));
  Start({Servable("bad", "s3://b/a"), Servable("good", "s3://b/b")});
  EXPECT_EQ(target_.Line(0), "good: s3://b/b/1");
  clock_.WaitForSleepers(2);
  const std::vector<ServableSourceStatus> snapshot = source_->Snapshot();
  ASSERT_EQ(snapshot.size(), 2U);
  EXPECT_EQ(snapshot[0].name, "bad");
  EXPECT_EQ(snapshot[0].base_path, "s3://b/a");
  EXPECT_TRUE(absl::IsPermissionDenied(snapshot[0].last_error));
  EXPECT_THAT(snapshot[1].versions, ElementsAre(1));
  EXPECT_EQ(snapshot[1].last_error, absl::OkStatus());
}

TEST_F(RemoteStoragePathSourceTest, TheDestructorCancelsCallsInProgress) {
  store_->Hang(Verb::kList, "");
  Start({Servable("a", "s3://b/a"), Servable("b", "s3://b/b")});
  store_->WaitForHanging(2);
  source_.reset();
  EXPECT_EQ(target_.size(), 0U);
}

TEST_F(RemoteStoragePathSourceTest, ARemovedServableGetsItsEmptyListAtOnceEvenWhenItsStoreHangs) {
  Start({Servable("keep", "s3://b/a"), Servable("gone", "s3://b/b")});
  clock_.WaitForSleepers(2);
  store_->Hang(Verb::kList, "b/");
  clock_.Advance(absl::Seconds(1));
  store_->WaitForHanging(1);
  EXPECT_EQ(source_->UpdateConfig({Servable("keep", "s3://b/a")}), absl::OkStatus());
  EXPECT_EQ(target_.Line(2), "gone:");
  EXPECT_EQ(source_->Snapshot().size(), 1U);
}

TEST_F(RemoteStoragePathSourceTest, AnAddedServableIsPolledAtOnceAndTheOthersAreNotDisturbed) {
  Start({Servable("old", "s3://b/a")});
  clock_.WaitForSleepers(1);
  const std::vector<MonitoredServable> both = {Servable("new", "s3://b/b"),
                                               Servable("old", "s3://b/a")};
  EXPECT_EQ(source_->UpdateConfig(both), absl::OkStatus());
  EXPECT_EQ(target_.Line(1), "new: s3://b/b/1");
  EXPECT_EQ(source_->servables(), both);
  clock_.WaitForSleepers(2);
  EXPECT_EQ(store_->Calls(Verb::kList).size(), 2U);
}

TEST_F(RemoteStoragePathSourceTest, AChangedBasePathKeepsWhatServesUntilItShowsAVersion) {
  Start({Servable("m", "s3://b/a")});
  clock_.WaitForSleepers(1);
  EXPECT_EQ(source_->UpdateConfig({Servable("m", "s3://b/empty")}), absl::OkStatus());
  clock_.WaitForSleepers(1);
  EXPECT_EQ(target_.size(), 1U);
  PutVersion("empty", 4);
  clock_.AdvanceToNextSleeper();
  EXPECT_EQ(target_.Line(1), "m: s3://b/empty/4");
}

TEST_F(RemoteStoragePathSourceTest, ABasePathWrittenAnotherWayIsTheSame) {
  Start({Servable("m", "s3://b/a")});
  clock_.WaitForSleepers(1);
  EXPECT_EQ(source_->UpdateConfig({Servable("m", "s3://b/a/")}), absl::OkStatus());
  EXPECT_EQ(store_->Calls(Verb::kList).size(), 1U);
}

TEST_F(RemoteStoragePathSourceTest, ABadConfigurationChangesNothing) {
  Start({Servable("m", "s3://b/a")});
  for (const std::vector<MonitoredServable>& bad : std::vector<std::vector<MonitoredServable>>{
           {Servable("m", "relative/path")},
           {Servable("m", "ftp://b/a")},
           {Servable("", "s3://b/a")},
           {Servable("m", "s3://b/a"), Servable("m", "s3://b/b")}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(source_->UpdateConfig(bad)));
    RemoteStoragePathSource::Options options;
    options.servables = bad;
    EXPECT_FALSE(RemoteStoragePathSource::Create(std::move(options), Env()).ok());
  }
  EXPECT_THAT(source_->servables(), ElementsAre(Servable("m", "s3://b/a")));
}

TEST_F(RemoteStoragePathSourceTest, OptionsThatMakeNoSenseAreRefused) {
  RemoteStoragePathSource::Options options;
  options.poll.confirm_wait = absl::ZeroDuration();
  EXPECT_TRUE(absl::IsInvalidArgument(RemoteStoragePathSource::Create(options, Env()).status()));
  options = {};
  options.retry.content.multiplier = 0.5;
  EXPECT_TRUE(absl::IsInvalidArgument(RemoteStoragePathSource::Create(options, Env()).status()));
}

TEST_F(RemoteStoragePathSourceTest, ASecondCallbackIsIgnored) {
  Start({Servable("m", "s3://b/a")});
  Target other;
  source_->SetAspiredVersionsCallback(other.Callback());
  EXPECT_EQ(log_.Count("SetAspiredVersionsCallback() called multiple times"), 1);
  EXPECT_EQ(target_.Line(0), "m: s3://b/a/1");
  source_.reset();
  EXPECT_EQ(other.size(), 0U);
}

TEST_F(RemoteStoragePathSourceTest, ANegativePeriodNeverPolls) {
  Start({Servable("m", "s3://b/a")}, -absl::Seconds(1));
  EXPECT_EQ(source_->UpdateConfig({Servable("n", "s3://b/b")}), absl::OkStatus());
  EXPECT_EQ(target_.Line(0), "m:");
  EXPECT_THAT(store_->Calls(Verb::kList), IsEmpty());
  EXPECT_EQ(source_->Snapshot()[0].name, "n");
}

TEST_F(RemoteStoragePathSourceTest, AZeroPeriodPollsOnceAndPollsServablesThatAreAddedLater) {
  Start({Servable("m", "s3://b/a")}, absl::ZeroDuration());
  EXPECT_EQ(target_.Line(0), "m: s3://b/a/1");
  EXPECT_EQ(source_->UpdateConfig({Servable("m", "s3://b/a"), Servable("n", "s3://b/b")}),
            absl::OkStatus());
  EXPECT_EQ(target_.Line(1), "n: s3://b/b/1");
  source_.reset();
  EXPECT_EQ(store_->Calls(Verb::kList).size(), 2U);
}

TEST_F(RemoteStoragePathSourceTest, BeforeACallbackIsSetNothingIsPolledAndConfigurationsChange) {
  RemoteStoragePathSource::Options options;
  options.servables = {Servable("m", "s3://b/a")};
  auto source = *RemoteStoragePathSource::Create(std::move(options), Env());
  EXPECT_EQ(source->UpdateConfig({Servable("n", "s3://b/b")}), absl::OkStatus());
  EXPECT_THAT(store_->Calls(Verb::kList), IsEmpty());
  source->SetAspiredVersionsCallback(target_.Callback());
  EXPECT_EQ(target_.Line(0), "n: s3://b/b/1");
}

TEST_F(RemoteStoragePathSourceTest, WithoutALedgerAndARandomSourceItWorksToo) {
  RemoteStoragePathSource::Options options;
  options.servables = {Servable("m", "s3://b/a")};
  store_->Fail(Verb::kList, "a/", absl::UnavailableError("down"), 1);
  auto source = *RemoteStoragePathSource::Create(std::move(options),
                                                 {opener_, clock_, log_, nullptr, nullptr});
  source->SetAspiredVersionsCallback(target_.Callback());
  clock_.AdvanceToNextSleeper();
  EXPECT_EQ(target_.Line(0), "m: s3://b/a/1");
}

// Configurations that change while everything polls; the sanitizers watch.
TEST_F(RemoteStoragePathSourceTest, ConfigurationsMayChangeFromManyThreads) {
  Start({Servable("a", "s3://b/a")});
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < 20; ++i) {
        const std::string path = (i + thread) % 2 == 0 ? "s3://b/b" : "s3://b/c";
        EXPECT_EQ(source_->UpdateConfig({Servable("a", path), Servable("x", "s3://b/a")}),
                  absl::OkStatus());
        clock_.Advance(absl::Seconds(1));
        source_->Snapshot();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(source_->UpdateConfig({}), absl::OkStatus());
  EXPECT_EQ(target_.Line(target_.size() - 1), "x:");
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/credentials/cached_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "tfserving_remote/testing/fake_clock.h"
#include "tfserving_remote/testing/recording_log.h"

namespace tfserving_remote {
namespace {

class CachedCredentialsTest : public ::testing::Test {
 protected:
  // Hands out key1, key2, ..., each valid for an hour, unless told to fail or to wait.
  absl::StatusOr<Credentials> Fetch(Cancellation& cancellation) {
    absl::MutexLock lock(&mu_);
    ++fetches_;
    mu_.Await(absl::Condition(
        +[](CachedCredentialsTest* t) ABSL_SHARED_LOCKS_REQUIRED(t->mu_) { return !t->hold_; },
        this));
    if (!failure_.ok()) return failure_;
    Credentials credentials;
    credentials.access_key_id = absl::StrCat("key", fetches_);
    credentials.expiration = clock_.Now() + absl::Hours(1);
    return credentials;
  }

  std::string Key() {
    const auto credentials = provider_.Get({});
    return credentials.ok() ? (*credentials)->access_key_id
                            : std::string(credentials.status().message());
  }
  void WaitForKey(const std::string& key) {
    // The background fetch has begun; Get gives its result as soon as it ended.
    while (Key() != key) std::this_thread::yield();
  }
  void SetFailure(absl::Status failure) {
    absl::MutexLock lock(&mu_);
    failure_ = std::move(failure);
  }
  void Hold(bool hold) {
    absl::MutexLock lock(&mu_);
    hold_ = hold;
  }
  void WaitForFetches(int count) {
    absl::MutexLock lock(&mu_);
    awaited_ = count;
    mu_.Await(absl::Condition(
        +[](CachedCredentialsTest* t)
             ABSL_SHARED_LOCKS_REQUIRED(t->mu_) { return t->fetches_ >= t->awaited_; },
        this));
  }
  int fetches() {
    absl::MutexLock lock(&mu_);
    return fetches_;
  }

  absl::Mutex mu_;
  int fetches_ ABSL_GUARDED_BY(mu_) = 0;
  int awaited_ ABSL_GUARDED_BY(mu_) = 0;
  bool hold_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  FakeClock clock_;
  RecordingLog log_;
  CachedCredentials provider_{[this](Cancellation& c) { return Fetch(c); }, {}, clock_, log_};
};

TEST_F(CachedCredentialsTest, FetchesOnceForManyCalls) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([this] { EXPECT_EQ(Key(), "key1"); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(fetches(), 1);
}

TEST_F(CachedCredentialsTest, RenewsInTheBackgroundBeforeTheExpiry) {
  EXPECT_EQ(Key(), "key1");
  clock_.Advance(absl::Minutes(56));
  Hold(true);
  EXPECT_EQ(Key(), "key1");
  WaitForFetches(2);
  EXPECT_EQ(Key(), "key1");
  Hold(false);
  WaitForKey("key2");
  EXPECT_EQ(fetches(), 2);
}

TEST_F(CachedCredentialsTest, NeverHandsOutWhatHasExpired) {
  EXPECT_EQ(Key(), "key1");
  clock_.Advance(absl::Hours(2));
  EXPECT_EQ(Key(), "key2");
}

TEST_F(CachedCredentialsTest, AFailedRenewalIsToldAndTheOldOnesStayInUse) {
  EXPECT_EQ(Key(), "key1");
  clock_.Advance(absl::Minutes(56));
  SetFailure(absl::UnauthenticatedError("gone"));
  EXPECT_EQ(Key(), "key1");
  while (log_.Count("could not be renewed") == 0) std::this_thread::yield();
  EXPECT_EQ(Key(), "key1");
  clock_.Advance(absl::Minutes(5));
  EXPECT_EQ(Key(), "gone");
}

TEST_F(CachedCredentialsTest, AMissingCredentialIsAnsweredAtOnceAndHeals) {
  SetFailure(absl::UnauthenticatedError("none found"));
  EXPECT_EQ(Key(), "none found");
  EXPECT_EQ(Key(), "none found");
  EXPECT_EQ(fetches(), 1);
  SetFailure(absl::OkStatus());
  clock_.Advance(absl::Seconds(11));
  EXPECT_EQ(Key(), "key2");
}

TEST_F(CachedCredentialsTest, ARefusalCausesOneRenewalForAllWhoSawIt) {
  const auto used = *provider_.Get({});
  EXPECT_TRUE(provider_.Invalidate(used));
  EXPECT_EQ(Key(), "key2");
  EXPECT_TRUE(provider_.Invalidate(used));
  EXPECT_EQ(Key(), "key2");
  EXPECT_EQ(fetches(), 2);
}

TEST_F(CachedCredentialsTest, RefusalsDoNotCauseARenewalPerRequest) {
  EXPECT_TRUE(provider_.Invalidate(*provider_.Get({})));
  EXPECT_FALSE(provider_.Invalidate(*provider_.Get({})));
  clock_.Advance(absl::Seconds(31));
  EXPECT_TRUE(provider_.Invalidate(*provider_.Get({})));
}

TEST_F(CachedCredentialsTest, ACancelledCallerDoesNotWait) {
  Hold(true);
  Cancellation cancellation;
  StoreCallOptions options;
  options.cancellation = &cancellation;
  std::thread caller([&] { EXPECT_TRUE(absl::IsCancelled(provider_.Get(options).status())); });
  WaitForFetches(1);
  cancellation.Cancel();
  caller.join();
  Hold(false);
}

TEST(CachedCredentialsEndTest, TheDestructorCancelsARunningFetch) {
  FakeClock clock;
  RecordingLog log;
  absl::Notification started;
  Cancellation caller_gives_up;
  CachedCredentials provider(
      [&](Cancellation& cancellation) -> absl::StatusOr<Credentials> {
        absl::Notification cancelled;
        const Cancellation::Registration registration(&cancellation,
                                                      [&cancelled] { cancelled.Notify(); });
        started.Notify();
        cancelled.WaitForNotification();
        return absl::CancelledError("cancelled");
      },
      {}, clock, log);
  std::thread caller([&] {
    StoreCallOptions options;
    options.cancellation = &caller_gives_up;
    EXPECT_FALSE(provider.Get(options).ok());
  });
  started.WaitForNotification();
  caller_gives_up.Cancel();
  caller.join();
}

}  // namespace
}  // namespace tfserving_remote

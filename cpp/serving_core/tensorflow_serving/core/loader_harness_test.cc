// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/loader_harness.h"

#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/test_util/test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::FailWith;
using test_util::ScriptedLoader;
using State = LoaderHarness::State;

const State kAllStates[] = {State::kNew,       State::kLoadRequested, State::kLoadApproved,
                            State::kLoading,   State::kReady,         State::kUnloadRequested,
                            State::kQuiescing, State::kQuiesced,      State::kUnloading,
                            State::kDisabled,  State::kError};
constexpr int64_t kOneDayInMicros = 24LL * 3600 * 1000 * 1000;

// A harness brought to a state, and back to one in which it may die.
class HarnessIn {
 public:
  explicit HarnessIn(State state, std::unique_ptr<Loader> loader = nullptr,
                     LoaderHarness::Options options = {})
      : harness_({"m", 1},
                 loader != nullptr ? std::move(loader) : std::make_unique<ScriptedLoader>(),
                 UniqueAnyPtr(), options) {
    if (state == State::kError) {
      EXPECT_TRUE(harness_.LoadRequested().ok());
      EXPECT_EQ(harness_.RefuseLoad(absl::AbortedError("no")), absl::AbortedError("no"));
      return;
    }
    AdvanceTo(state);
  }
  ~HarnessIn() {
    if (harness_.state() != State::kError) AdvanceTo(State::kDisabled);
  }
  LoaderHarness* operator->() { return &harness_; }

 private:
  void AdvanceTo(State goal) {
    while (harness_.state() < goal) AdvanceFrom(harness_.state());
    EXPECT_EQ(harness_.state(), goal);
  }
  void AdvanceFrom(State state) {
    switch (state) {
      case State::kNew:
        EXPECT_TRUE(harness_.LoadRequested().ok());
        break;
      case State::kLoadRequested:
        EXPECT_TRUE(harness_.LoadApproved().ok());
        break;
      case State::kLoadApproved:
        EXPECT_TRUE(harness_.Load().ok());
        break;
      case State::kLoading:
        harness_.CommitLoad();
        break;
      case State::kReady:
        EXPECT_TRUE(harness_.UnloadRequested().ok());
        break;
      case State::kUnloadRequested:
        EXPECT_TRUE(harness_.StartQuiescing().ok());
        break;
      case State::kQuiescing:
        EXPECT_TRUE(harness_.DoneQuiescing().ok());
        break;
      default:
        harness_.Unload();
        break;
    }
  }

  LoaderHarness harness_;
};

struct Step {
  const char* name;
  State from;
  State to;
  std::function<absl::Status(LoaderHarness*)> take;
};

const std::vector<Step>& Steps() {
  static const auto* const steps = new std::vector<Step>{
      {"LoadRequested", State::kNew, State::kLoadRequested,
       [](LoaderHarness* harness) { return harness->LoadRequested(); }},
      {"LoadApproved", State::kLoadRequested, State::kLoadApproved,
       [](LoaderHarness* harness) { return harness->LoadApproved(); }},
      {"RefuseLoad", State::kLoadRequested, State::kError,
       [](LoaderHarness* harness) {
         const absl::Status status = harness->RefuseLoad(absl::AbortedError("no"));
         return absl::IsAborted(status) ? absl::OkStatus() : status;
       }},
      {"Load", State::kLoadApproved, State::kLoading,
       [](LoaderHarness* harness) { return harness->Load(); }},
      {"UnloadRequested", State::kReady, State::kUnloadRequested,
       [](LoaderHarness* harness) { return harness->UnloadRequested(); }},
      {"StartQuiescing", State::kUnloadRequested, State::kQuiescing,
       [](LoaderHarness* harness) { return harness->StartQuiescing(); }},
      {"DoneQuiescing", State::kQuiescing, State::kQuiesced,
       [](LoaderHarness* harness) { return harness->DoneQuiescing(); }},
  };
  return *steps;
}

// Whatever a caller may ask for twice is refused; the rest is a bug, which ends debug builds.
bool CallersMayAskTwice(const Step& step) {
  return step.from == State::kNew || step.from == State::kReady;
}

TEST(LoaderHarnessTest, NamesItsStates) {
  const char* const names[] = {"new",       "load-requested",   "load-approved", "loading",
                               "ready",     "unload-requested", "quiescing",     "quiesced",
                               "unloading", "disabled",         "error"};
  for (size_t i = 0; i < std::size(names); ++i) {
    EXPECT_EQ(LoaderHarness::StateDebugString(kAllStates[i]), names[i]);
  }
}

TEST(LoaderHarnessTest, TakesEachStepFromItsOwnStateAlone) {
  for (const Step& step : Steps()) {
    for (const State state : kAllStates) {
      if (state == State::kUnloading) continue;  // only seen from within the loader: see below
      SCOPED_TRACE(absl::StrCat(step.name, " when ", LoaderHarness::StateDebugString(state)));
      HarnessIn harness(state);
      if (state == step.from) {
        EXPECT_TRUE(step.take(harness.operator->()).ok());
        EXPECT_EQ(harness->state(), step.to);
      } else if (CallersMayAskTwice(step)) {
        EXPECT_TRUE(absl::IsFailedPrecondition(step.take(harness.operator->())));
        EXPECT_EQ(harness->state(), state);
      } else {
#ifdef NDEBUG
        EXPECT_TRUE(absl::IsInternal(step.take(harness.operator->())));
        EXPECT_EQ(harness->state(), state);
#endif
      }
    }
  }
}

TEST(LoaderHarnessDeathTest, AWrongStepEndsADebugBuild) {
  HarnessIn harness(State::kNew);
  EXPECT_DEBUG_DEATH(EXPECT_TRUE(absl::IsInternal(harness->DoneQuiescing())),
                     "cannot go from new to quiesced");
  EXPECT_DEBUG_DEATH(EXPECT_FALSE(harness->CommitLoad()), "cannot go from new to ready");
  // Not even asked.
  EXPECT_DEBUG_DEATH(harness->Unload(), "cannot go from new to unloading");
  EXPECT_EQ(harness->state(), State::kNew);
}

TEST(LoaderHarnessTest, IsUnloadingWhileTheLoaderUnloads) {
  LoaderHarness* seen = nullptr;
  State state = State::kNew;
  HarnessIn harness(State::kQuiesced,
                    std::make_unique<ScriptedLoader>(nullptr, [&] { state = seen->state(); }));
  seen = harness.operator->();
  harness->Unload();
  EXPECT_EQ(state, State::kUnloading);
  EXPECT_EQ(harness->state(), State::kDisabled);
}

TEST(LoaderHarnessTest, IsLoadingWhileTheLoaderLoads) {
  LoaderHarness* seen = nullptr;
  State state = State::kNew;
  HarnessIn harness(State::kLoadApproved, std::make_unique<ScriptedLoader>([&](int) {
                      state = seen->state();
                      return absl::OkStatus();
                    }));
  seen = harness.operator->();
  EXPECT_TRUE(harness->Load().ok());
  EXPECT_EQ(state, State::kLoading);
}

TEST(LoaderHarnessTest, TheEndsOfALoadAndOfAnUnloadAreSeenWhenTheyAreAnnounced) {
  HarnessIn harness(State::kLoading);
  EXPECT_TRUE(harness->CommitLoad());
  EXPECT_EQ(harness->announced_state(), State::kLoading);
  harness->Announce();
  EXPECT_EQ(harness->announced_state(), State::kReady);
  EXPECT_TRUE(harness->UnloadRequested().ok());
  EXPECT_EQ(harness->announced_state(), State::kUnloadRequested);
  EXPECT_TRUE(harness->StartQuiescing().ok());
  EXPECT_TRUE(harness->DoneQuiescing().ok());
  harness->Unload();
  EXPECT_EQ(harness->announced_state(), State::kUnloading);
  harness->Announce();
  EXPECT_EQ(harness->announced_state(), State::kDisabled);
}

TEST(LoaderHarnessTest, AFailedLoadIsAnErrorFromThenOn) {
  HarnessIn harness(State::kLoadApproved,
                    std::make_unique<ScriptedLoader>(FailWith(absl::DataLossError("truncated"))));
  EXPECT_EQ(harness->Load(), absl::DataLossError("truncated"));
  EXPECT_EQ(harness->state(), State::kError);
  EXPECT_EQ(harness->announced_state(), State::kLoading);
  EXPECT_EQ(harness->status(), absl::DataLossError("truncated"));
  EXPECT_TRUE(absl::IsFailedPrecondition(harness->LoadRequested()));
}

TEST(LoaderHarnessTest, WhatItsSourceCouldNotMakeIsAnErrorFromTheBeginning) {
  const LoaderHarness harness({"m", 1}, absl::NotFoundError("gone"), UniqueAnyPtr());
  EXPECT_EQ(harness.state(), State::kError);
  EXPECT_EQ(harness.announced_state(), State::kError);
  EXPECT_EQ(harness.status(), absl::NotFoundError("gone"));
  EXPECT_EQ(harness.loader(), nullptr);
  EXPECT_EQ(harness.model_type(), ServableModelType::kUnspecified);
}

TEST(LoaderHarnessTest, CancellingDecidesAloneWhatALoadBecomes) {
  struct Case {
    State cancelled_in;
    State ends_in;
  };
  const Case cases[] = {{State::kNew, State::kError},
                        {State::kLoadRequested, State::kError},
                        {State::kLoadApproved, State::kUnloading},
                        {State::kLoading, State::kUnloading}};
  for (const Case& c : cases) {
    SCOPED_TRACE(LoaderHarness::StateDebugString(c.cancelled_in));
    HarnessIn harness(c.cancelled_in);
    harness->CancelLoad();
    EXPECT_EQ(harness->state(), c.cancelled_in);
    if (harness->state() == State::kNew) {
      EXPECT_TRUE(harness->LoadRequested().ok());
    }
    if (harness->state() == State::kLoadRequested) {
      EXPECT_EQ(harness->LoadApproved(), absl::CancelledError("Loading of servable cancelled"));
    }
    if (harness->state() == State::kLoadApproved) {
      EXPECT_TRUE(harness->Load().ok());
    }
    if (harness->state() == State::kLoading) {
      EXPECT_FALSE(harness->CommitLoad());
    }
    EXPECT_EQ(harness->state(), c.ends_in);
  }
}

TEST(LoaderHarnessTest, CancellingConcernsNothingThatIsLoadedOrOver) {
  for (const State state : {State::kReady, State::kUnloadRequested, State::kQuiescing,
                            State::kQuiesced, State::kDisabled, State::kError}) {
    SCOPED_TRACE(LoaderHarness::StateDebugString(state));
    HarnessIn harness(state);
    harness->CancelLoad();
    EXPECT_TRUE(harness->EndIfCancelled().ok());
    EXPECT_EQ(harness->state(), state);
  }
}

TEST(LoaderHarnessTest, ALoadResumesUntilItIsReadyAndNeverAfterwards) {
  for (const State state : kAllStates) {
    if (state == State::kUnloading) continue;
    SCOPED_TRACE(LoaderHarness::StateDebugString(state));
    HarnessIn harness(state);
    harness->CancelLoad();
    EXPECT_EQ(harness->ResumeLoad(), state <= State::kReady);
    if (state == State::kLoading) {
      EXPECT_TRUE(harness->CommitLoad());
    }
  }
}

TEST(LoaderHarnessTest, ACancelledLoadThatIsOverDoesNotResume) {
  HarnessIn requested(State::kLoadRequested);
  requested->CancelLoad();
  EXPECT_TRUE(absl::IsCancelled(requested->EndIfCancelled()));
  EXPECT_FALSE(requested->ResumeLoad());
  HarnessIn loading(State::kLoading);
  loading->CancelLoad();
  EXPECT_FALSE(loading->CommitLoad());
  EXPECT_FALSE(loading->ResumeLoad());
  EXPECT_EQ(loading->state(), State::kUnloading);
}

TEST(LoaderHarnessTest, RetriesAsOftenAsItIsTold) {
  LoaderHarness::Options options;
  options.max_num_load_retries = 2;
  int attempts = 0;
  HarnessIn harness(State::kLoadApproved, std::make_unique<ScriptedLoader>([&](int attempt) {
                      attempts = attempt;
                      return absl::UnavailableError("busy");
                    }),
                    options);
  EXPECT_TRUE(absl::IsUnavailable(harness->Load()));
  EXPECT_EQ(attempts, 3);
}

TEST(LoaderHarnessTest, CancellingEndsThePauseAndTheRetries) {
  LoaderHarness::Options options;
  options.max_num_load_retries = 5;
  options.load_retry_interval_micros = kOneDayInMicros;
  int attempts = 0;
  absl::Notification failed;
  HarnessIn harness(State::kLoadApproved, std::make_unique<ScriptedLoader>([&](int attempt) {
                      attempts = attempt;
                      failed.Notify();
                      return absl::UnavailableError("busy");
                    }),
                    options);
  std::thread canceller([&] {
    failed.WaitForNotification();
    harness->CancelLoad();
  });
  EXPECT_TRUE(absl::IsUnavailable(harness->Load()));
  canceller.join();
  EXPECT_EQ(attempts, 1);
  EXPECT_FALSE(harness->ResumeLoad());
}

TEST(LoaderHarnessDeathTest, MayNotDieLoaded) {
#ifndef NDEBUG
  EXPECT_DEATH(
      {
        LoaderHarness harness({"m", 1}, std::make_unique<ScriptedLoader>(), UniqueAnyPtr(), {});
        harness.LoadRequested().IgnoreError();
      },
      "is destroyed while load-requested");
#endif
}

TEST(LoaderHarnessTest, KeepsWhatItsManagerPutsBesideIt) {
  LoaderHarness harness({"m", 1}, std::make_unique<ScriptedLoader>(),
                        UniqueAnyPtr(std::make_unique<std::string>("mine")), {});
  EXPECT_EQ(*harness.additional_state<std::string>(), "mine");
  EXPECT_EQ(harness.additional_state<int>(), nullptr);
  const ServableStateSnapshot<std::string> expected{{"m", 1}, State::kNew, std::string("mine")};
  EXPECT_EQ(harness.Snapshot<std::string>(), expected);
  EXPECT_FALSE(harness.Snapshot<int>().additional_state.has_value());
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

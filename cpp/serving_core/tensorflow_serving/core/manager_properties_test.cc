// SPDX-License-Identifier: Apache-2.0
// Random sequences of lists, steps, failures and handles, and what must hold in every one of them.
// A failure names its seed; TFSR_TEST_SEED=<seed> runs that one alone.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/resource_preserving_policy.h"
#include "tensorflow_serving/core/test_util/manager_test_util.h"
#include "tensorflow_serving/core/test_util/servable_witness.h"
#include "tensorflow_serving/core/test_util/test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::LoaderData;
using test_util::ServableWitness;
using ::testing::IsEmpty;
using Plan = ServableWitness::Plan;
using State = LoaderHarness::State;

// What each stream was told last, of what the manager has acted upon.
using ListsInForce = std::map<std::string, std::set<int64_t>>;

enum class Preserves { kAvailability, kResources };

// Asks a policy, and judges its answer by the lists themselves instead of by what the manager makes
// of them.
class JudgedPolicy final : public AspiredVersionPolicy {
 public:
  JudgedPolicy(Preserves preserves, const ListsInForce* lists, ServableWitness* witness)
      : preserves_(preserves), lists_(lists), witness_(witness) {}

  absl::optional<ServableAction> GetNextAction(
      const std::vector<AspiredServableStateSnapshot>& all_versions) const override {
    const absl::optional<ServableAction> action = preserves_ == Preserves::kAvailability
                                                      ? availability_.GetNextAction(all_versions)
                                                      : resources_.GetNextAction(all_versions);
    if (action) Judge(*action, all_versions);
    return action;
  }

 private:
  void Judge(const ServableAction& action,
             const std::vector<AspiredServableStateSnapshot>& all_versions) const {
    const std::set<int64_t>& list = lists_->at(action.id.name);
    const bool is_listed = list.count(action.id.version) > 0;
    if (is_listed != (action.action == Action::kLoad)) Accuse(action, "goes against the list");
    if (action.action == Action::kLoad || preserves_ == Preserves::kResources) return;
    bool other_is_ready = false;
    for (const auto& version : all_versions) {
      other_is_ready |= version.state == State::kReady && version.id != action.id;
    }
    if (list.empty()) return;
    if (!other_is_ready || !witness_->OtherIsLoaded(action.id.name, action.id.version)) {
      Accuse(action, "drops the last ready version");
    }
  }
  void Accuse(const ServableAction& action, const char* what) const {
    witness_->Accuse(absl::StrCat(action.DebugString(), " ", what));
  }

  const Preserves preserves_;
  const ListsInForce* const lists_;
  ServableWitness* const witness_;
  const AvailabilityPreservingPolicy availability_;
  const ResourcePreservingPolicy resources_;
};

// One random sequence.
class Sequence {
 public:
  Sequence(uint64_t seed, Preserves preserves, uint32_t num_load_threads)
      : random_(seed),
        num_load_threads_(num_load_threads),
        // The test's own thread holds handles: a load in it must not wait for them.
        counts_ram_(num_load_threads > 0 && OneIn(3)),
        longest_list_(preserves == Preserves::kResources && OneIn(2) ? 1 : 3),
        witness_({preserves == Preserves::kResources && longest_list_ == 1 ? 1 : 1000,
                  counts_ram_ ? kRam : ~uint64_t{0}}) {
    AspiredVersionsManager::Options options;
    if (counts_ram_) options.resource_tracker = witness_.MakeTracker();
    options.manage_state_interval_micros = 0;
    options.servable_event_bus = witness_.bus();
    options.aspired_version_policy = std::make_unique<JudgedPolicy>(preserves, &lists_, &witness_);
    options.num_load_threads = num_load_threads;
    options.num_unload_threads = Pick(3);
    options.max_num_load_retries = 1;
    options.load_retry_interval_micros = -1;
    options.enable_reload_servables_with_error = OneIn(2);
    const absl::Status created = AspiredVersionsManager::Create(std::move(options), &manager_);
    if (!created.ok()) witness_.Accuse(created.ToString());
  }

  void Run() {
    for (int i = 0; i < 80; ++i) DoSomething();
    if (OneIn(2)) Settle();
    witness_.ReleaseLoads();
    holders_.clear();
    manager_.reset();
    EXPECT_THAT(witness_.FinalViolations(), IsEmpty());
  }

 private:
  static constexpr uint64_t kRam = 10;

  uint64_t Pick(uint64_t n) { return random_() % n; }
  bool OneIn(uint64_t n) { return Pick(n) == 0; }
  std::string PickStream() { return absl::StrCat("stream", Pick(3)); }

  void DoSomething() {
    const uint64_t dice = Pick(10);
    if (dice < 3) {
      Aspire(PickStream());
    } else if (dice < 7) {
      Step();
    } else if (dice == 7) {
      witness_.ReleaseOneLoad();
    } else if (dice == 8) {
      auto holder = witness_.Hold(manager_.get(), PickRequest());
      if (holder) holders_.push_back(*std::move(holder));
    } else if (!holders_.empty()) {
      std::vector<ServableWitness::Holder> kept;
      for (ServableWitness::Holder& holder : holders_) {
        if (!OneIn(2)) kept.push_back(std::move(holder));
      }
      holders_.swap(kept);
    }
  }

  ServableRequest PickRequest() {
    const std::string stream = PickStream();
    if (OneIn(3)) return ServableRequest::Earliest(stream);
    return OneIn(2) ? ServableRequest::Latest(stream)
                    : ServableRequest::Specific(stream, static_cast<int64_t>(Pick(5)));
  }

  LoaderData MakeVersion(const ServableId& id) {
    if (OneIn(10)) return {id, absl::InternalError("the source cannot make it")};
    const Plan plan = static_cast<Plan>(Pick(num_load_threads_ > 0 ? 4 : 3));
    return witness_.Make(id, OneIn(2) ? Plan::kLoad : plan, 1 + Pick(6));
  }

  void Aspire(const std::string& stream) {
    std::vector<LoaderData> versions;
    std::set<int64_t>& listed = pending_[stream];
    listed.clear();
    for (uint64_t n = Pick(longest_list_ + 1); n > 0; --n) {
      const auto version = static_cast<int64_t>(Pick(5));
      listed.insert(version);
      versions.push_back(MakeVersion({stream, version}));
    }
    manager_->GetAspiredVersionsCallback()(stream, std::move(versions));
  }

  void Step() {
    test_util::AspiredVersionsManagerTestAccess access(manager_.get());
    access.FlushServables();
    access.HandlePendingAspiredVersionsRequests();
    for (auto& [stream, listed] : pending_) lists_[stream] = std::move(listed);
    pending_.clear();
    access.InvokePolicyAndExecuteAction();
  }

  // Whatever came before, good lists are served in the end, and nothing else is.
  void Settle() {
    if (counts_ram_) return;  // what was refused stays so
    witness_.ReleaseLoads();
    holders_.clear();
    std::vector<ServableId> wanted;
    for (const char* const stream : {"stream0", "stream1", "stream2"}) {
      std::vector<LoaderData> versions;
      std::set<int64_t>& listed = pending_[stream];
      listed.clear();
      for (int64_t n = Pick(longest_list_ + 1); n > 0; --n) {
        listed.insert(100 + n);
        versions.push_back(witness_.Make({stream, 100 + n}, Plan::kLoad));
      }
      for (const int64_t version : listed) wanted.push_back({stream, version});
      manager_->GetAspiredVersionsCallback()(stream, std::move(versions));
    }
    for (;;) {
      std::vector<ServableId> available = manager_->ListAvailableServableIds();
      std::sort(available.begin(), available.end());
      if (available == wanted) return;
      Step();
      std::this_thread::yield();
    }
  }

  std::mt19937_64 random_;
  const uint32_t num_load_threads_;
  const bool counts_ram_;
  const uint64_t longest_list_;
  ServableWitness witness_;
  ListsInForce lists_;
  ListsInForce pending_;
  std::unique_ptr<AspiredVersionsManager> manager_;
  std::vector<ServableWitness::Holder> holders_;
};

class ManagerPropertiesTest : public ::testing::TestWithParam<std::tuple<Preserves, uint32_t>> {
 private:
  const test_util::QuietLog quiet_log_;
};

TEST_P(ManagerPropertiesTest, HoldInEveryRandomSequence) {
  constexpr uint64_t kNumSequences = 200;
  uint64_t first = 1;
  uint64_t last = kNumSequences;
  const char* const chosen = std::getenv("TFSR_TEST_SEED");
  if (chosen != nullptr && absl::SimpleAtoi(chosen, &first)) last = first;
  for (uint64_t seed = first; seed <= last && !HasFailure(); ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Sequence(seed, std::get<0>(GetParam()), std::get<1>(GetParam())).Run();
  }
}

INSTANTIATE_TEST_SUITE_P(
    PoliciesAndThreads, ManagerPropertiesTest,
    ::testing::Combine(::testing::Values(Preserves::kAvailability, Preserves::kResources),
                       ::testing::Values(0, 1, 2, 3, 4)),
    [](const auto& info) {
      const bool availability = std::get<0>(info.param) == Preserves::kAvailability;
      return absl::StrCat(availability ? "Availability" : "Resources", "PreservingWith",
                          std::get<1>(info.param), "LoadThreads");
    });

}  // namespace
}  // namespace serving
}  // namespace tensorflow

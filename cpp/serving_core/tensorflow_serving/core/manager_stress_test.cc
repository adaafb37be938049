// SPDX-License-Identifier: Apache-2.0
// Everything at once, on real threads: for what only a sanitizer or luck would find.
#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/resource_preserving_policy.h"
#include "tensorflow_serving/core/test_util/servable_witness.h"
#include "tensorflow_serving/core/test_util/test_support.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::LoaderData;
using test_util::ServableWitness;
using ::testing::IsEmpty;
using Plan = ServableWitness::Plan;

constexpr int kNumSources = 2;
constexpr int kNumStreamsPerSource = 3;
constexpr int kNumLists = 3000;
constexpr int kNumClients = 3;
constexpr int kNumResizes = 60;
constexpr uint64_t kRam = 20;

class Random {
 public:
  explicit Random(uint64_t seed) : generator_(seed) {}
  uint64_t Pick(uint64_t n) { return generator_() % n; }

 private:
  std::mt19937_64 generator_;
};

std::string StreamName(uint64_t source, uint64_t stream) {
  return absl::StrCat("stream", source, ".", stream);
}

using Params = std::tuple</*preserves_resources=*/bool, /*counts_ram=*/bool>;

class ManagerStressTest : public ::testing::TestWithParam<Params> {
 protected:
  ManagerStressTest() : witness_({1000, std::get<1>(GetParam()) ? kRam : ~uint64_t{0}}) {
    constexpr int64_t kOneHourInMicros = 3600LL * 1000 * 1000;
    AspiredVersionsManager::Options options;
    if (std::get<1>(GetParam())) options.resource_tracker = witness_.MakeTracker();
    options.manage_state_interval_micros = kOneHourInMicros;
    options.servable_event_bus = witness_.bus();
    if (std::get<0>(GetParam())) {
      options.aspired_version_policy = std::make_unique<ResourcePreservingPolicy>();
    } else {
      options.aspired_version_policy = std::make_unique<AvailabilityPreservingPolicy>();
    }
    options.num_load_threads = 2;
    options.num_unload_threads = std::get<1>(GetParam()) ? 0 : 2;
    options.max_num_load_retries = 1;
    options.load_retry_interval_micros = 10;
    options.enable_reload_servables_with_error = true;
    EXPECT_TRUE(AspiredVersionsManager::Create(std::move(options), &manager_).ok());
  }

  // One source; it alone speaks of its streams.
  void Aspire(uint64_t source) {
    Random random(source);
    const auto callback = manager_->GetAspiredVersionsCallback();
    for (int i = 0; i < kNumLists; ++i) {
      const std::string stream = StreamName(source, random.Pick(kNumStreamsPerSource));
      std::vector<LoaderData> versions;
      for (uint64_t n = random.Pick(4); n > 0; --n) {
        const ServableId id{stream, static_cast<int64_t>(random.Pick(6))};
        const auto plan = random.Pick(2) == 0 ? Plan::kLoad : static_cast<Plan>(random.Pick(3));
        versions.push_back(witness_.Make(id, plan, 1 + random.Pick(8)));
      }
      callback(stream, std::move(versions));
      // Lists come in bursts: some are replaced before anybody sees them.
      if (random.Pick(4) == 0) AwaitEvents(1 + random.Pick(8));
    }
  }

  // The load on the other threads sets the pace, not the clock.
  void AwaitEvents(uint64_t n) {
    const uint64_t goal = num_events_ + n;
    for (int i = 0; i < 2000 && num_events_ < goal; ++i) std::this_thread::yield();
  }

  void AskForServables(uint64_t client) {
    Random random(100 + client);
    std::vector<ServableWitness::Holder> holders;
    while (!sources_are_done_) {
      const std::string stream =
          StreamName(random.Pick(kNumSources), random.Pick(kNumStreamsPerSource));
      const ServableRequest request = random.Pick(2) == 0
                                          ? ServableRequest::Latest(stream)
                                          : ServableRequest::Specific(stream, random.Pick(6));
      auto holder = witness_.Hold(manager_.get(), request);
      if (holder) holders.push_back(*std::move(holder));
      if (random.Pick(50) == 0) manager_->GetAvailableServableHandles<int64_t>();
      // Also when there is nothing to be had: a load may be waiting for this very memory.
      if (random.Pick(8) == 0) holders.clear();
      std::this_thread::yield();
    }
    --num_clients_asking_;
    // The manager's end is waiting for these.
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
  }

  void ResizeThreads() {
    Random random(200);
    const auto resize = internal::SetManagerNumLoadThreadsNotifier(manager_.get());
    for (int i = 0; i < kNumResizes; ++i) {
      resize(static_cast<uint32_t>(random.Pick(5)));
      AwaitEvents(20);
    }
  }

  const test_util::QuietLog quiet_log_;
  std::atomic<uint64_t> num_events_{0};
  std::atomic<bool> sources_are_done_{false};
  std::atomic<int> num_clients_asking_{kNumClients};
  ServableWitness witness_;
  std::unique_ptr<AspiredVersionsManager> manager_;
};

TEST_P(ManagerStressTest, NothingGoesWrongUnderLoad) {
  const auto counting = witness_.bus()->Subscribe(
      [this](const EventBus<ServableState>::EventAndTime&) { ++num_events_; });
  std::vector<std::thread> clients;
  for (uint64_t i = 0; i < kNumClients; ++i) {
    clients.emplace_back([this, i] { AskForServables(i); });
  }
  std::vector<std::thread> sources;
  for (uint64_t i = 0; i < kNumSources; ++i) sources.emplace_back([this, i] { Aspire(i); });
  sources.emplace_back([this] { ResizeThreads(); });
  for (std::thread& source : sources) source.join();
  sources_are_done_ = true;
  while (num_clients_asking_ > 0) std::this_thread::yield();
  manager_.reset();  // in the middle of everything
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(witness_.FinalViolations(), IsEmpty());
  EXPECT_GT(num_events_, kNumLists);
}

INSTANTIATE_TEST_SUITE_P(Policies, ManagerStressTest,
                         ::testing::Combine(::testing::Bool(), ::testing::Bool()),
                         [](const auto& info) {
                           return absl::StrCat(std::get<0>(info.param) ? "ResourcePreserving"
                                                                       : "AvailabilityPreserving",
                                               std::get<1>(info.param) ? "CountingRam" : "");
                         });

}  // namespace
}  // namespace serving
}  // namespace tensorflow

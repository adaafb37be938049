// SPDX-License-Identifier: Apache-2.0
// Informational: how long a manager takes to load and to unload many servables, and what one turn
// of its loop and one resent list of every stream cost when nothing changes.
//
//   manager_scale [servables, 10000] [unchanging models, 1000] [rounds, 5]
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/core/test_util/fake_loader.h"
#include "tensorflow_serving/core/test_util/manager_test_util.h"
#include "tensorflow_serving/util/event_bus.h"

namespace {

using namespace tensorflow::serving;  // NOLINT: a program, not a library

using Versions = std::vector<ServableData<std::unique_ptr<Loader>>>;
using Aspire = std::function<void(absl::string_view, Versions)>;

double SecondsOf(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The least is the work itself; the median also holds what else runs on this machine.
void Print(const char* what, std::vector<double> values, const char* unit) {
  std::sort(values.begin(), values.end());
  std::printf("%-58s %10.2f %s (least %.2f)\n", what, values[values.size() / 2], unit,
              values.front());
}

// Counts the events of one kind.
class Counter {
 public:
  Counter(EventBus<ServableState>* bus, ServableState::ManagerState state)
      : subscription_(bus->Subscribe([this, state](const auto& event) {
          if (event.event.manager_state != state) return;
          absl::MutexLock lock(&mu_);
          ++count_;
        })) {}

  void AwaitAtLeast(int count) {
    const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return count_ >= count; };
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&enough));
  }

 private:
  absl::Mutex mu_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
  const std::unique_ptr<EventBus<ServableState>::Subscription> subscription_;
};

std::unique_ptr<AspiredVersionsManager> MakeManager(EventBus<ServableState>* bus, int num_threads,
                                                    int64_t interval_micros) {
  AspiredVersionsManager::Options options;
  options.aspired_version_policy = std::make_unique<AvailabilityPreservingPolicy>();
  options.servable_event_bus = bus;
  options.num_load_threads = num_threads;
  options.num_unload_threads = num_threads;
  options.manage_state_interval_micros = interval_micros;
  std::unique_ptr<AspiredVersionsManager> manager;
  if (!AspiredVersionsManager::Create(std::move(options), &manager).ok()) std::abort();
  return manager;
}

void AspireAll(const Aspire& aspire, int num_servables, bool listed) {
  for (int i = 0; i < num_servables; ++i) {
    const std::string name = "model_" + std::to_string(i);
    Versions versions;
    if (listed) {
      versions.emplace_back(ServableId{name, 1}, std::make_unique<test_util::FakeLoader>(i));
    }
    aspire(name, std::move(versions));
  }
}

void LoadAndUnload(int num_servables, int num_threads, int rounds) {
  std::vector<double> loaded;
  std::vector<double> unloaded;
  for (int round = 0; round < rounds; ++round) {
    const auto bus = EventBus<ServableState>::CreateEventBus();
    Counter available(bus.get(), ServableState::ManagerState::kAvailable);
    Counter ended(bus.get(), ServableState::ManagerState::kEnd);
    const auto manager = MakeManager(bus.get(), num_threads, 100 * 1000);
    const Aspire aspire = manager->GetAspiredVersionsCallback();
    loaded.push_back(SecondsOf([&] {
      AspireAll(aspire, num_servables, /*listed=*/true);
      available.AwaitAtLeast(num_servables);
    }));
    unloaded.push_back(SecondsOf([&] {
      AspireAll(aspire, num_servables, /*listed=*/false);
      ended.AwaitAtLeast(num_servables);
    }));
  }
  const std::string with = std::to_string(num_servables) + " servables, " +
                           std::to_string(num_threads) + " load and unload threads: ";
  Print((with + "load").c_str(), loaded, "s");
  Print((with + "unload").c_str(), unloaded, "s");
}

void OneTurn(test_util::AspiredVersionsManagerTestAccess& manager) {
  manager.FlushServables();
  manager.HandlePendingAspiredVersionsRequests();
  manager.InvokePolicyAndExecuteAction();
}

void TurnsWithoutChange(int num_models, int rounds) {
  const auto manager = MakeManager(nullptr, /*num_threads=*/0, /*interval_micros=*/-1);
  test_util::AspiredVersionsManagerTestAccess steps(manager.get());
  const Aspire aspire = manager->GetAspiredVersionsCallback();
  AspireAll(aspire, num_models, /*listed=*/true);
  OneTurn(steps);
  std::vector<double> turns;
  std::vector<double> lists;
  for (int round = 0; round < rounds * 20; ++round) {
    turns.push_back(SecondsOf([&] { OneTurn(steps); }) * 1e6);
    lists.push_back(SecondsOf([&] {
                      AspireAll(aspire, num_models, /*listed=*/true);
                      OneTurn(steps);
                    }) *
                    1e6);
  }
  const std::string models = std::to_string(num_models) + " models that do not change: ";
  Print((models + "a turn of the loop").c_str(), turns, "us");
  Print((models + "all lists anew, and a turn").c_str(), lists, "us");
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, int otherwise) {
    return argc > i ? std::max(1, std::atoi(argv[i])) : otherwise;
  };
  const int num_servables = argument(1, 10000);
  const int num_models = argument(2, 1000);
  const int rounds = argument(3, 5);
  LoadAndUnload(num_servables, /*num_threads=*/0, rounds);
  LoadAndUnload(num_servables, /*num_threads=*/4, rounds);
  TurnsWithoutChange(num_models, rounds);
  TurnsWithoutChange(num_servables, rounds);
  return 0;
}

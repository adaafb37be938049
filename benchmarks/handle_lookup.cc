// SPDX-License-Identifier: Apache-2.0
// Informational: what it takes to find a served handle by name, hold it and let it go, with 1, 2, 4
// and 8 threads, among 1, 100 and 10,000 servables; and, in the same run, what a copy of an atomic
// shared_ptr and maps behind reader-writer locks take. All contestants take turns, round by round:
// alone; while another thread swaps versions elsewhere, which shows what a busy machine alone
// costs; and while another thread swaps the versions that are looked up.
//
//   handle_lookup [rounds, 7] [milliseconds of a turn, 40] [many servables, 10000]
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <shared_mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/simple_loader.h"

namespace {

using tensorflow::serving::AspiredVersionsManager;
using tensorflow::serving::AvailabilityPreservingPolicy;
using tensorflow::serving::Loader;
using tensorflow::serving::ServableData;
using tensorflow::serving::ServableHandle;
using tensorflow::serving::ServableRequest;
using tensorflow::serving::SimpleLoader;

std::string NameOf(int servable) { return "model_" + std::to_string(servable); }

// One way to find something that is swapped now and then.
class Contestant {
 public:
  virtual ~Contestant() = default;
  // Each thread looks up in an order of its own, again and again.
  virtual void LookUp(int thread, size_t begin, size_t count) = 0;
  // Replaces the servable with the number 0, which every order begins with; returns when done.
  virtual void Swap() = 0;
};

std::vector<ServableRequest> ShuffledRequests(int num_servables, bool specific, uint32_t seed) {
  std::vector<ServableRequest> requests;
  for (int i = 0; i < num_servables; ++i) {
    requests.push_back(specific ? ServableRequest::Specific(NameOf(i), 1)
                                : ServableRequest::Latest(NameOf(i)));
  }
  std::shuffle(requests.begin() + 1, requests.end(), std::mt19937(seed));
  return requests;
}

// kAll: every servable in turn, so that little of it is in a near cache when there are many.
enum class Order { kAll, kOnlyTheFirst };

class Requests {
 public:
  Requests(int num_servables, Order order, bool specific) {
    for (uint32_t thread = 0; thread < 8; ++thread) {
      orders_.push_back(
          ShuffledRequests(order == Order::kAll ? num_servables : 1, specific, thread));
    }
  }

  template <typename Function>
  void ForEach(int thread, size_t begin, size_t count, const Function& function) const {
    const std::vector<ServableRequest>& order = orders_[thread];
    size_t at = begin % order.size();
    for (size_t i = 0; i < count; ++i) {
      function(order[at]);
      if (++at == order.size()) at = 0;
    }
  }

 private:
  std::vector<std::vector<ServableRequest>> orders_;
};

void MustHold(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "handle_lookup: %s\n", what);
  std::abort();
}

class ManagerLookup final : public Contestant {
 public:
  // Specific requests are for version 1, which stays; the swapped versions are higher.
  ManagerLookup(int num_servables, Order order, bool specific = false)
      : keep_first_(specific), requests_(num_servables, order, specific) {
    AspiredVersionsManager::Options options;
    options.aspired_version_policy = std::make_unique<AvailabilityPreservingPolicy>();
    // New lists are acted upon at once; between them, those whose turn it is not keep quiet.
    options.manage_state_interval_micros = 60 * 1000 * 1000;
    MustHold(AspiredVersionsManager::Create(std::move(options), &manager_).ok(), "no manager");
    aspire_ = manager_->GetAspiredVersionsCallback();
    for (int i = 0; i < num_servables; ++i) Aspire(NameOf(i), {1});
    AwaitNumServables(num_servables);
    if (keep_first_) Swap();
  }

  void LookUp(int thread, size_t begin, size_t count) override {
    requests_.ForEach(thread, begin, count, [this](const ServableRequest& request) {
      ServableHandle<int64_t> handle;
      MustHold(manager_->GetServableHandle(request, &handle).ok() && *handle > 0, "not found");
    });
  }

  void Swap() override {
    const int64_t next = version_ + 1;
    Aspire(NameOf(0), keep_first_ ? std::vector<int64_t>{1, next} : std::vector<int64_t>{next});
    const ServableRequest request = ServableRequest::Specific(NameOf(0), next);
    for (;;) {
      ServableHandle<int64_t> handle;
      if (manager_->GetServableHandle(request, &handle).ok()) break;
      std::this_thread::yield();
    }
    version_ = next;
  }

 private:
  void Aspire(const std::string& name, const std::vector<int64_t>& versions) {
    std::vector<ServableData<std::unique_ptr<Loader>>> list;
    for (const int64_t version : versions) {
      list.emplace_back(tensorflow::serving::ServableId{name, version}, MakeLoader(version));
    }
    aspire_(name, std::move(list));
  }

  static std::unique_ptr<Loader> MakeLoader(int64_t version) {
    return std::make_unique<SimpleLoader<int64_t>>(
        [version](std::unique_ptr<int64_t>* servable) {
          *servable = std::make_unique<int64_t>(version);
          return absl::OkStatus();
        },
        SimpleLoader<int64_t>::EstimateNoResources());
  }

  void AwaitNumServables(size_t count) const {
    while (manager_->ListAvailableServableIds().size() < count) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  const bool keep_first_;
  const Requests requests_;
  int64_t version_ = 1;
  std::unique_ptr<AspiredVersionsManager> manager_;
  std::function<void(absl::string_view, std::vector<ServableData<std::unique_ptr<Loader>>>)>
      aspire_;
};

// No names: each request knows the place of its pointer.
class AtomicSharedPtrCopy final : public Contestant {
 public:
  explicit AtomicSharedPtrCopy(int num_servables) {
    for (int i = 0; i < num_servables; ++i) servables_.push_back(std::make_shared<int64_t>(1));
    for (uint32_t thread = 0; thread < 8; ++thread) {
      orders_.emplace_back(num_servables);
      std::iota(orders_.back().begin(), orders_.back().end(), 0);
      std::shuffle(orders_.back().begin() + 1, orders_.back().end(), std::mt19937(thread));
    }
  }

  void LookUp(int thread, size_t begin, size_t count) override {
    const std::vector<int>& order = orders_[thread];
    size_t at = begin % order.size();
    for (size_t i = 0; i < count; ++i) {
      const std::shared_ptr<int64_t> copy = std::atomic_load(&servables_[order[at]]);
      MustHold(*copy > 0, "not found");
      if (++at == order.size()) at = 0;
    }
  }
  void Swap() override { std::atomic_store(&servables_[0], std::make_shared<int64_t>(++version_)); }

 private:
  int64_t version_ = 1;
  std::vector<std::shared_ptr<int64_t>> servables_;
  std::vector<std::vector<int>> orders_;
};

struct StdLock {
  void ReaderLock() { mu.lock_shared(); }
  void ReaderUnlock() { mu.unlock_shared(); }
  void WriterLock() { mu.lock(); }
  void WriterUnlock() { mu.unlock(); }
  std::shared_mutex mu;
};

struct AbslLock {
  void ReaderLock() { mu.ReaderLock(); }
  void ReaderUnlock() { mu.ReaderUnlock(); }
  void WriterLock() { mu.WriterLock(); }
  void WriterUnlock() { mu.WriterUnlock(); }
  absl::Mutex mu;
};

// A map behind a reader-writer lock.
template <typename Lock>
class LockedMap final : public Contestant {
 public:
  explicit LockedMap(int num_servables)
      : requests_(num_servables, Order::kAll, /*specific=*/false) {
    for (int i = 0; i < num_servables; ++i) servables_[NameOf(i)][1] = std::make_shared<int64_t>(1);
  }

  void LookUp(int thread, size_t begin, size_t count) override {
    requests_.ForEach(thread, begin, count, [this](const ServableRequest& request) {
      lock_.ReaderLock();
      const std::shared_ptr<int64_t> copy = servables_.find(request.name)->second.rbegin()->second;
      lock_.ReaderUnlock();
      MustHold(*copy > 0, "not found");
    });
  }
  void Swap() override {
    auto next = std::make_shared<int64_t>(++version_);
    lock_.WriterLock();
    auto& versions = servables_[NameOf(0)];
    versions.emplace(version_, std::move(next));
    versions.erase(versions.begin());
    lock_.WriterUnlock();
  }

 private:
  const Requests requests_;
  int64_t version_ = 1;
  Lock lock_;
  std::unordered_map<std::string, std::map<int64_t, std::shared_ptr<int64_t>>> servables_;
};

double ThreadCpuNanoseconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

struct Sample {
  // Of CPU, by one lookup: what others do on this machine counts little.
  double cpu_ns;
  double swaps_per_s;
};

// Looks up until told to stop.
struct Reader {
  void Run(Contestant& contestant, int thread, const std::atomic<bool>& stop) {
    constexpr size_t kBatch = 500;
    // So that the manager gets its turn to swap, however few cores there are.
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 10);
    const double begin = ThreadCpuNanoseconds();
    for (; !stop.load(std::memory_order_relaxed); lookups += kBatch) {
      contestant.LookUp(thread, lookups, kBatch);
    }
    cpu_ns = ThreadCpuNanoseconds() - begin;
  }

  double cpu_ns = 0;
  size_t lookups = 0;
};

// Swaps as often as the contestant allows, with a short pause between, until told to stop. Readers
// of some locks never let a writer in while they run.
size_t SwapUntil(const std::atomic<bool>& stop, Contestant& contestant) {
  size_t swaps = 0;
  for (; !stop.load(std::memory_order_relaxed); ++swaps) {
    contestant.Swap();
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  return swaps;
}

Sample Measure(Contestant& contestant, int num_threads, Contestant* swapped,
               std::chrono::milliseconds turn) {
  std::atomic<bool> stop{false};
  std::vector<Reader> readers(num_threads);
  std::vector<std::thread> threads;
  for (int i = 0; i < num_threads; ++i) {
    threads.emplace_back([&, i] { readers[i].Run(contestant, i, stop); });
  }
  size_t swaps = 0;
  if (swapped != nullptr) threads.emplace_back([&] { swaps = SwapUntil(stop, *swapped); });
  std::this_thread::sleep_for(turn);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  Reader all;
  for (const Reader& reader : readers) {
    all.cpu_ns += reader.cpu_ns;
    all.lookups += reader.lookups;
  }
  return {all.cpu_ns / static_cast<double>(all.lookups),
          static_cast<double>(swaps) / std::chrono::duration<double>(turn).count()};
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

enum Mode { kAlone, kSwapElsewhere, kSwap, kNumModes };

struct Row {
  std::string name;
  std::unique_ptr<Contestant> contestant;
  // By [log2 of threads][mode].
  std::vector<Sample> samples[4][kNumModes];
};

double MedianOf(const std::vector<Sample>& samples, double Sample::*value) {
  std::vector<double> values;
  for (const Sample& sample : samples) values.push_back(sample.*value);
  return Median(std::move(values));
}

double LeastCpu(const std::vector<Sample>& samples) {
  double least = samples.front().cpu_ns;
  for (const Sample& sample : samples) least = std::min(least, sample.cpu_ns);
  return least;
}

void Print(const std::vector<Row>& rows) {
  const double uncontended = MedianOf(rows.front().samples[0][kAlone], &Sample::cpu_ns);
  std::printf("%-34s %7s | %7s %9s %6s | %9s | %8s %9s %13s %8s\n", "", "threads", "alone",
              "(least)", "ratio", "elsewhere", "swapping", "(least)", "to elsewhere", "swaps/s");
  for (const Row& row : rows) {
    for (int i = 0; i < 4; ++i) {
      const auto& samples = row.samples[i];
      const double alone = MedianOf(samples[kAlone], &Sample::cpu_ns);
      const double elsewhere = MedianOf(samples[kSwapElsewhere], &Sample::cpu_ns);
      const double swapping = MedianOf(samples[kSwap], &Sample::cpu_ns);
      std::printf("%-34s %7d | %7.1f %9.1f %5.2fx | %9.1f | %8.1f %9.1f %+12.1f%% %8.0f\n",
                  i == 0 ? row.name.c_str() : "", 1 << i, alone, LeastCpu(samples[kAlone]),
                  alone / uncontended, elsewhere, swapping, LeastCpu(samples[kSwap]),
                  (swapping / elsewhere - 1) * 100, MedianOf(samples[kSwap], &Sample::swaps_per_s));
    }
  }
}

std::vector<Row> MakeRows(int many) {
  const std::string of_many = std::to_string(many);
  std::vector<Row> rows;
  const auto add = [&](const std::string& name, std::unique_ptr<Contestant> contestant) {
    rows.push_back({name, std::move(contestant), {}});
  };
  add("copy of 1 atomic shared_ptr", std::make_unique<AtomicSharedPtrCopy>(1));
  add("copy of each of " + of_many, std::make_unique<AtomicSharedPtrCopy>(many));
  add("manager, latest of 1", std::make_unique<ManagerLookup>(1, Order::kAll));
  add("manager, specific of 1", std::make_unique<ManagerLookup>(1, Order::kAll, /*specific=*/true));
  add("manager, one of " + of_many, std::make_unique<ManagerLookup>(many, Order::kOnlyTheFirst));
  add("manager, each of 100", std::make_unique<ManagerLookup>(100, Order::kAll));
  add("manager, each of " + of_many, std::make_unique<ManagerLookup>(many, Order::kAll));
  add("std::shared_mutex and map, 1", std::make_unique<LockedMap<StdLock>>(1));
  add("std::shared_mutex, each of " + of_many, std::make_unique<LockedMap<StdLock>>(many));
  add("absl::Mutex and map, 1", std::make_unique<LockedMap<AbslLock>>(1));
  add("absl::Mutex, each of " + of_many, std::make_unique<LockedMap<AbslLock>>(many));
  return rows;
}

void MeasureOneRound(std::vector<Row>& rows, Contestant& elsewhere,
                     std::chrono::milliseconds turn) {
  for (int i = 0; i < 4; ++i) {
    for (Row& row : rows) {
      Contestant* const swapped[kNumModes] = {nullptr, &elsewhere, row.contestant.get()};
      for (int mode = 0; mode < kNumModes; ++mode) {
        row.samples[i][mode].push_back(Measure(*row.contestant, 1 << i, swapped[mode], turn));
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, int otherwise) {
    return argc > i ? std::max(1, std::atoi(argv[i])) : otherwise;
  };
  const int rounds = argument(1, 7);
  const std::chrono::milliseconds turn(argument(2, 40));
  std::vector<Row> rows = MakeRows(argument(3, 10000));
  ManagerLookup elsewhere(1, Order::kAll);
  for (int round = 0; round < rounds; ++round) MeasureOneRound(rows, elsewhere, turn);
  std::printf(
      "Medians of %d rounds of %d ms, in nanoseconds of CPU a lookup; ratio: to an\n"
      "uncontended copy of an atomic shared_ptr. %u cores.\n",
      rounds, static_cast<int>(turn.count()), std::thread::hardware_concurrency());
  Print(rows);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Informational: how fast one object comes over HTTP(S) in parallel ranges, straight into memory
// that was never touched before. Any server that answers ranges will do.
//
//   http_range_fetch ORIGIN TARGET BYTES THREADS MIB_PER_RANGE [CA_FILE]
//   http_range_fetch http://127.0.0.1:9000 /bucket/key 1200000000 12 8
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/net/call_limits.h"
#include "tfserving_remote/net/http_client.h"

namespace tfserving_remote {
namespace {

struct Plan {
  HttpOrigin origin;
  std::string target;
  uint64_t bytes = 0;
  int threads = 0;
  uint64_t range_bytes = 0;
};

// Fetches ranges until none is left; counts those that failed.
void Work(const Plan& plan, HttpClient& client, char* memory, std::atomic<uint64_t>& next,
          std::atomic<int>& failures) {
  for (;;) {
    const uint64_t first = next.fetch_add(plan.range_bytes);
    if (first >= plan.bytes) return;
    const uint64_t size = std::min(plan.range_bytes, plan.bytes - first);
    HttpRequest request;
    request.origin = plan.origin;
    request.target = plan.target;
    request.headers = {{"Range", absl::StrCat("bytes=", first, "-", first + size - 1)}};
    HttpCallOptions call;
    call.body_into = absl::MakeSpan(memory + first, size);
    const auto response = client.Send(request, call);
    if (response.ok() && response->status == 206) continue;
    ++failures;
    std::fprintf(stderr, "%s\n", response.status().ToString().c_str());
  }
}

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int Fetch(const Plan& plan, HttpClient& client) {
  void* const mapped =
      mmap(nullptr, plan.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return 1;
  std::atomic<uint64_t> next{0};
  std::atomic<int> failures{0};
  const double cpu = CpuSeconds();
  const absl::Duration start = MonotonicNow();
  std::vector<std::thread> threads;
  for (int i = 0; i < plan.threads; ++i) {
    threads.emplace_back([&] { Work(plan, client, static_cast<char*>(mapped), next, failures); });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = absl::ToDoubleSeconds(MonotonicNow() - start);
  std::printf("%s: %d threads, %.0f MiB ranges: %.3f s, %.0f MB/s, %.2f s of CPU, %d failed\n",
              plan.origin.ToString().c_str(), plan.threads,
              static_cast<double>(plan.range_bytes) / (1 << 20), seconds,
              static_cast<double>(plan.bytes) / seconds / 1e6, CpuSeconds() - cpu, failures.load());
  munmap(mapped, plan.bytes);
  return failures == 0 ? 0 : 1;
}

int Main(int count, char** arguments) {
  Plan plan;
  double mib = 0;
  if (count < 6 || !absl::SimpleAtoi(arguments[3], &plan.bytes) ||
      !absl::SimpleAtoi(arguments[4], &plan.threads) || !absl::SimpleAtod(arguments[5], &mib)) {
    std::fprintf(stderr, "usage: %s ORIGIN TARGET BYTES THREADS MIB_PER_RANGE [CA_FILE]\n",
                 arguments[0]);
    return 2;
  }
  const auto origin = HttpOrigin::Parse(arguments[1]);
  HttpClientOptions options;
  if (count > 6) options.ca_file = arguments[6];
  const auto client = CreateHttpClient(options);
  if (!origin.ok() || !client.ok()) {
    std::fprintf(stderr, "%s %s\n", origin.status().ToString().c_str(),
                 client.status().ToString().c_str());
    return 2;
  }
  plan.origin = *origin;
  plan.target = arguments[2];
  plan.range_bytes = static_cast<uint64_t>(mib * (1 << 20));
  return Fetch(plan, **client);
}

}  // namespace
}  // namespace tfserving_remote

int main(int count, char** arguments) { return tfserving_remote::Main(count, arguments); }

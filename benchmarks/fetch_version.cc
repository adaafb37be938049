// SPDX-License-Identifier: Apache-2.0
// Informational: how fast all files of one version come into memory, with nothing made of them: the
// limit of every load from that store. Prints one line of JSON.
//
//   fetch_version URL CONNECTIONS [verify]
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/environment.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/base/storage_url.h"
#include "tfserving_remote/store/default_store_opener.h"
#include "tfserving_remote/stream/transfer_pool.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tfserving_remote {
namespace {

absl::StatusOr<std::unique_ptr<VersionReader>> Open(const std::string& text, int connections,
                                                    ManifestMode mode) {
  absl::StatusOr<StorageUrl> url = StorageUrl::Parse(text);
  if (!url.ok()) return url.status();
  absl::StatusOr<StoreOptions> options = StoreOptions::FromEnvironment(ProcessEnvironment());
  if (!options.ok()) return options.status();
  auto opener = CreateStoreOpener(*options, Clock::Real(), LogSink::Null());
  if (!opener.ok()) return opener.status();
  auto store = (*opener)->Open(*url);
  if (!store.ok()) return store.status();
  TransferPoolOptions pool;
  pool.connections = connections;
  VersionReaderOptions reader;
  reader.manifest_mode = mode;
  return OpenVersion(LocateVersion(*std::move(store), *url), reader, CreateTransferPool(pool), {});
}

// Each file into memory that was never touched before, as a checkpoint reader does it.
absl::Status FetchAll(VersionReader& reader) {
  const absl::StatusOr<std::vector<VersionFile>> files = reader.Files();
  if (!files.ok()) return files.status();
  std::vector<absl::Status> results(files->size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < files->size(); ++i) {
    threads.emplace_back([&reader, &results, i, file = (*files)[i]] {
      if (file.size == 0) return;
      void* const memory =
          mmap(nullptr, file.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) {
        results[i] = absl::ResourceExhaustedError("mmap");
        return;
      }
      results[i] = reader.Read(file.path, 0, {static_cast<char*>(memory), file.size});
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& result : results) {
    if (!result.ok()) return result;
  }
  return absl::OkStatus();
}

int Main(int count, char** arguments) {
  int connections = 0;
  if (count < 3 || !absl::SimpleAtoi(arguments[2], &connections)) {
    std::fprintf(stderr, "usage: %s URL CONNECTIONS [verify]\n", arguments[0]);
    return 2;
  }
  const ManifestMode mode = count > 3 ? ManifestMode::kRequired : ManifestMode::kIgnored;
  const absl::Time begin = absl::Now();
  auto reader = Open(arguments[1], connections, mode);
  const absl::Status fetched = reader.ok() ? FetchAll(**reader) : reader.status();
  if (!fetched.ok()) {
    std::fprintf(stderr, "%s\n", fetched.ToString().c_str());
    return 1;
  }
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const double cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  const StreamStats stats = (*reader)->stats();
  std::printf("{\"seconds\": %.4f, \"cpu_seconds\": %.3f, \"bytes\": %llu, \"requests\": %llu}\n",
              absl::ToDoubleSeconds(absl::Now() - begin), cpu,
              static_cast<unsigned long long>(stats.fetched_bytes),
              static_cast<unsigned long long>(stats.requests));
  return 0;
}

}  // namespace
}  // namespace tfserving_remote

int main(int count, char** arguments) { return tfserving_remote::Main(count, arguments); }

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/plugin/streaming_from_environment.h"

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "tfserving_remote/base/environment.h"
#include "tfserving_remote/store/default_store_opener.h"
#include "tfserving_remote/stream/load_ledger.h"

namespace tfserving_remote {
namespace {

uint64_t PhysicalMemoryBytes() {
  const int64_t pages = sysconf(_SC_PHYS_PAGES);
  const int64_t page_bytes = sysconf(_SC_PAGESIZE);
  return static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes);
}

}  // namespace

absl::StatusOr<StreamingOptions> StreamingFromEnvironment(const TransferPoolOptions& transfers,
                                                          ManifestMode manifest_mode, Clock& clock,
                                                          LogSink& log) {
  absl::StatusOr<StoreOptions> stores = StoreOptions::FromEnvironment(ProcessEnvironment());
  if (!stores.ok()) return stores.status();
  absl::StatusOr<std::shared_ptr<StoreOpener>> opener = CreateStoreOpener(*stores, clock, log);
  if (!opener.ok()) return opener.status();

  StreamingOptions streaming;
  streaming.stores = *std::move(opener);
  streaming.transfers = CreateTransferPool(transfers);
  streaming.ledger = std::make_shared<LoadLedger>();
  streaming.reader.manifest_mode = manifest_mode;
  streaming.reader.max_unpacked_bytes = PhysicalMemoryBytes();
  streaming.log = &log;
  streaming.clock = &clock;
  return streaming;
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_TRANSFER_POOL_H_
#define TFSERVING_REMOTE_STREAM_TRANSFER_POOL_H_

#include <cstdint>
#include <memory>

namespace tfserving_remote {

struct TransferPoolOptions {
  /// Ranged GETs at once, over all models; the flag --remote_connections.
  int connections = 16;
  /// Bytes fetched but not yet handed over, kept in buffers of ours, over all models;
  /// --remote_max_bytes_in_flight. Reads that land in the caller's own memory do not count.
  uint64_t max_bytes_in_flight = 256 << 20;
};

class TransferPool;

/// Threads and memory that all streams of a process share.
std::shared_ptr<TransferPool> CreateTransferPool(const TransferPoolOptions& options);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_TRANSFER_POOL_H_

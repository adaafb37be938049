// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_TRANSFER_POOL_H_
#define TFSERVING_REMOTE_STREAM_TRANSFER_POOL_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tfserving_remote {

struct TransferPoolOptions {
  /// Ranged GETs at once, over all models; the flag --remote_connections.
  int connections = 16;
  /// Bytes fetched but not yet handed over, kept in buffers of ours, over all models;
  /// --remote_max_bytes_in_flight. Reads that land in the caller's own memory do not count.
  uint64_t max_bytes_in_flight = 256 << 20;
};

enum class TransferUrgency {
  /// Somebody waits for it.
  kDemand,
  /// Somebody may want it soon; runs when its own stream has no demand.
  kAhead,
};

class TransferStream;

/// Threads and memory that all streams of a process share.
///
/// A free thread serves the stream that has the fewest transfers running, so streams share evenly.
/// Each stream may always have two transfers running, beyond `connections` if it must be: a store
/// that stalls under one model can hold all other threads and still delays nobody else.
///
/// Units:    bytes.
/// Errors:   none; transfers report their own.
/// Threads:  safe to call from any thread. Transfers run on the pool's threads and may block.
/// Lifetime: streams keep it alive; its last owner must not be one of its own threads.
class TransferPool : public std::enable_shared_from_this<TransferPool> {
 public:
  ~TransferPool();
  std::unique_ptr<TransferStream> OpenStream();

 private:
  friend class TransferStream;
  friend std::shared_ptr<TransferPool> CreateTransferPool(const TransferPoolOptions& options);

  struct Queues {
    std::deque<std::function<void()>> demand;
    std::deque<std::function<void()>> ahead;
    int running = 0;
    uint64_t reserved = 0;
  };

  explicit TransferPool(const TransferPoolOptions& options) : options_(options) {}

  void Work();
  // The queues to serve next; null when none may start.
  Queues* Pick() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StartThreadIfUseful() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const TransferPoolOptions options_;

  // Guarded by mu_.
  absl::Mutex mu_;
  absl::CondVar wake_up_;
  // A stream has nothing running.
  absl::CondVar drained_;
  std::vector<std::unique_ptr<Queues>> streams_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mu_);
  size_t next_ ABSL_GUARDED_BY(mu_) = 0;
  int running_ ABSL_GUARDED_BY(mu_) = 0;
  size_t queued_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t reserved_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

/// The part of one version in the pool.
///
/// Units:    bytes.
/// Errors:   none.
/// Threads:  safe to call from any thread.
/// Lifetime: the destructor drops transfers that wait and returns after those that run; a transfer
///           must not destroy its own stream.
class TransferStream {
 public:
  ~TransferStream();
  TransferStream(const TransferStream&) = delete;
  TransferStream& operator=(const TransferStream&) = delete;

  void Submit(TransferUrgency urgency, std::function<void()> transfer);

  /// Takes bytes from the budget; false when that would exceed it or its even share among the
  /// streams that hold some of it.
  bool TryReserve(uint64_t bytes);
  /// Takes them in any case: for bytes that somebody waits for.
  void Reserve(uint64_t bytes);
  void Release(uint64_t bytes);

 private:
  friend class TransferPool;
  TransferStream(std::shared_ptr<TransferPool> pool, TransferPool::Queues* queues)
      : pool_(std::move(pool)), queues_(queues) {}

  const std::shared_ptr<TransferPool> pool_;
  TransferPool::Queues* const queues_;
};

std::shared_ptr<TransferPool> CreateTransferPool(const TransferPoolOptions& options);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_TRANSFER_POOL_H_

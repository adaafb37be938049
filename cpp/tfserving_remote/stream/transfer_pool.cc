// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/transfer_pool.h"

#include <algorithm>
#include <utility>

namespace tfserving_remote {
namespace {

// Transfers that a stream may always have running.
constexpr int kGuaranteed = 2;

}  // namespace

std::shared_ptr<TransferPool> CreateTransferPool(const TransferPoolOptions& options) {
  return std::shared_ptr<TransferPool>(new TransferPool(options));
}

TransferPool::~TransferPool() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    wake_up_.SignalAll();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

std::unique_ptr<TransferStream> TransferPool::OpenStream() {
  absl::MutexLock lock(&mu_);
  streams_.push_back(std::make_unique<Queues>());
  return std::unique_ptr<TransferStream>(
      new TransferStream(shared_from_this(), streams_.back().get()));
}

TransferPool::Queues* TransferPool::Pick() {
  Queues* best = nullptr;
  for (size_t i = 0; i < streams_.size(); ++i) {
    Queues* queues = streams_[(next_ + i) % streams_.size()].get();
    if (queues->demand.empty() && queues->ahead.empty()) continue;
    if (running_ >= options_.connections && queues->running >= kGuaranteed) continue;
    if (best == nullptr || queues->running < best->running) best = queues;
  }
  return best;
}

void TransferPool::StartThreadIfUseful() {
  const size_t most = options_.connections + kGuaranteed * streams_.size();
  if (threads_.size() < std::min(running_ + queued_, most)) {
    threads_.emplace_back([this] { Work(); });
  }
}

void TransferPool::Work() {
  absl::MutexLock lock(&mu_);
  for (;;) {
    Queues* queues = nullptr;
    while (!stopping_ && (queues = Pick()) == nullptr) {
      wake_up_.Wait(&mu_);
    }
    if (stopping_) return;
    std::deque<std::function<void()>>& queue =
        queues->demand.empty() ? queues->ahead : queues->demand;
    std::function<void()> transfer = std::move(queue.front());
    queue.pop_front();
    --queued_;
    ++next_;
    ++running_;
    ++queues->running;
    mu_.Unlock();
    transfer();
    transfer = nullptr;  // what it holds dies outside the lock
    mu_.Lock();
    --running_;
    if (--queues->running == 0) drained_.SignalAll();
  }
}

TransferStream::~TransferStream() {
  // Swapped out, so that what the dropped transfers hold dies outside the lock.
  std::deque<std::function<void()>> demand, ahead;
  absl::MutexLock lock(&pool_->mu_);
  demand.swap(queues_->demand);
  ahead.swap(queues_->ahead);
  pool_->queued_ -= demand.size() + ahead.size();
  TransferPool::Queues* const queues = queues_;
  while (queues->running > 0) pool_->drained_.Wait(&pool_->mu_);
  pool_->reserved_ -= queues->reserved;
  auto& streams = pool_->streams_;
  streams.erase(std::find_if(streams.begin(), streams.end(),
                             [queues](const auto& s) { return s.get() == queues; }));
}

void TransferStream::Submit(TransferUrgency urgency, std::function<void()> transfer) {
  absl::MutexLock lock(&pool_->mu_);
  (urgency == TransferUrgency::kDemand ? queues_->demand : queues_->ahead)
      .push_back(std::move(transfer));
  ++pool_->queued_;
  pool_->StartThreadIfUseful();
  pool_->wake_up_.Signal();
}

bool TransferStream::TryReserve(uint64_t bytes) {
  absl::MutexLock lock(&pool_->mu_);
  const uint64_t budget = pool_->options_.max_bytes_in_flight;
  // Versions that are loaded keep their streams; only those that hold something take a share.
  uint64_t sharing = 1;
  for (const auto& other : pool_->streams_) {
    if (other.get() != queues_ && other->reserved > 0) ++sharing;
  }
  const uint64_t share = budget / sharing;
  if (pool_->reserved_ + bytes > budget || queues_->reserved + bytes > share) return false;
  pool_->reserved_ += bytes;
  queues_->reserved += bytes;
  return true;
}

void TransferStream::Reserve(uint64_t bytes) {
  absl::MutexLock lock(&pool_->mu_);
  pool_->reserved_ += bytes;
  queues_->reserved += bytes;
}

void TransferStream::Release(uint64_t bytes) {
  absl::MutexLock lock(&pool_->mu_);
  pool_->reserved_ -= bytes;
  queues_->reserved -= bytes;
}

}  // namespace tfserving_remote

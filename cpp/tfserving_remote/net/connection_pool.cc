// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/connection_pool.h"

#include <utility>

namespace tfserving_remote {

// Connections are probed and closed outside the lock: closing a TLS connection writes.
std::unique_ptr<Connection> ConnectionPool::Take(const std::string& origin, absl::Duration now) {
  Entries expired;
  for (;;) {
    std::unique_ptr<Connection> candidate;
    {
      absl::MutexLock lock(&mu_);
      if (expired.empty()) expired = TakeExpired(now);
      const auto found = idle_.find(origin);
      if (found == idle_.end()) return nullptr;
      candidate = std::move(found->second.back().connection);
      found->second.pop_back();
      if (found->second.empty()) idle_.erase(found);
    }
    if (candidate->Probe() == Connection::Idle::kQuiet) return candidate;
  }
}

void ConnectionPool::Put(const std::string& origin, std::unique_ptr<Connection> connection,
                         absl::Duration now) {
  Entries expired;
  if (max_idle_per_origin_ <= 0) return;
  absl::MutexLock lock(&mu_);
  expired = TakeExpired(now);
  Entries& entries = idle_[origin];
  if (entries.size() >= static_cast<size_t>(max_idle_per_origin_)) {
    // The one that has waited longest is the likeliest to be closed by its peer soon.
    expired.push_back(std::move(entries.front()));
    entries.erase(entries.begin());
  }
  entries.push_back({std::move(connection), now});
}

ConnectionPool::Entries ConnectionPool::TakeExpired(absl::Duration now) {
  Entries expired;
  for (auto origin = idle_.begin(); origin != idle_.end();) {
    Entries& entries = origin->second;
    auto first_fresh = entries.begin();
    while (first_fresh != entries.end() && now - first_fresh->since >= max_idle_time_) {
      expired.push_back(std::move(*first_fresh++));
    }
    entries.erase(entries.begin(), first_fresh);
    origin = entries.empty() ? idle_.erase(origin) : std::next(origin);
  }
  return expired;
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_CONNECTION_POOL_H_
#define TFSERVING_REMOTE_NET_CONNECTION_POOL_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tfserving_remote/net/connection.h"

namespace tfserving_remote {

/// Kept-alive connections nobody uses at the moment.
///
/// Units:    times as MonotonicNow counts.
/// Errors:   none.
/// Threads:  safe to call from any thread.
/// Lifetime: closes what it holds when it dies.
class ConnectionPool {
 public:
  ConnectionPool(int max_idle_per_origin, absl::Duration max_idle_time)
      : max_idle_per_origin_(max_idle_per_origin), max_idle_time_(max_idle_time) {}

  /// The connection to `origin` that was used last, if one still looks alive; null otherwise.
  std::unique_ptr<Connection> Take(const std::string& origin, absl::Duration now);

  /// Keeps the connection for later, or closes it when there are enough.
  void Put(const std::string& origin, std::unique_ptr<Connection> connection, absl::Duration now);

 private:
  struct Entry {
    std::unique_ptr<Connection> connection;
    absl::Duration since;
  };
  // Oldest first, since entries are put at the end and taken from there.
  using Entries = std::vector<Entry>;

  // Takes out what has waited too long, for any origin.
  Entries TakeExpired(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const int max_idle_per_origin_;
  const absl::Duration max_idle_time_;
  // Guarded by mu_.
  absl::Mutex mu_;
  std::map<std::string, Entries> idle_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_CONNECTION_POOL_H_

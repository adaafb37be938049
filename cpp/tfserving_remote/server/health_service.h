// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_HEALTH_SERVICE_H_
#define TFSERVING_REMOTE_SERVER_HEALTH_SERVICE_H_

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tfserving_remote/net/grpc_server.h"
#include "tfserving_remote/server/health.h"

namespace tfserving_remote {

/// grpc.health.v1.Health: Check, and Watch, which sends the status now and whenever it changes. A
/// watcher that reads slowly gets the newest status, not every one.
///
/// Units:    none.
/// Errors:   NOT_FOUND (Check of an unknown service); Watch says SERVICE_UNKNOWN and goes on.
/// Threads:  safe to call from any thread; nothing blocks.
/// Lifetime: outlives the GrpcServer that calls it.
class HealthService {
 public:
  explicit HealthService(const Health& health) : health_(health) {}
  HealthService(const HealthService&) = delete;
  HealthService& operator=(const HealthService&) = delete;

  /// Adds both methods; before the server starts.
  void Register(GrpcServer& server);

  void Check(GrpcCall& call) const;
  void Watch(std::shared_ptr<GrpcCall> call);

  /// To be called after `health` may have changed.
  void HealthChanged();
  /// Ends all watches with UNAVAILABLE, once their last status has been sent, and any new one at
  /// once: they would keep the server from draining.
  void EndWatches();

 private:
  struct Watcher {
    std::shared_ptr<GrpcCall> call;
    std::string service;
    // Guarded by the service's mu_.
    std::optional<Health::Status> sent;
    bool writing = false;
  };

  /// Sends the status unless it was sent already or a message is on its way; then ends the call if
  /// it is to end.
  void Pump(const std::shared_ptr<Watcher>& watcher);
  void Written(const std::shared_ptr<Watcher>& watcher, bool sent);
  void Remove(const std::shared_ptr<Watcher>& watcher);
  std::vector<std::shared_ptr<Watcher>> Watchers() const;

  const Health& health_;

  mutable absl::Mutex mu_;
  std::set<std::shared_ptr<Watcher>> watchers_ ABSL_GUARDED_BY(mu_);
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_HEALTH_SERVICE_H_

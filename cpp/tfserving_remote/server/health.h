// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_HEALTH_H_
#define TFSERVING_REMOTE_SERVER_HEALTH_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tfserving_remote/server/health.pb.h"

namespace tfserving_remote {

/// Whether the server and each of its models can answer.
///
/// The server serves when every configured model has an available version; "" asks for it, and so
/// do the names of its services, short as upstream registers them and in full. A model's name asks
/// for that model. While the server drains nothing serves.
///
/// Units:    none.
/// Errors:   none; SERVICE_UNKNOWN for a name that is neither.
/// Threads:  safe to call from any thread.
/// Lifetime: none to mind.
class Health {
 public:
  using Status = grpc::health::v1::HealthCheckResponse::ServingStatus;

  explicit Health(std::set<std::string> models = {}) : models_(std::move(models)) {}

  /// Replaces the configured models. What is known of their versions stays.
  void SetModels(std::set<std::string> models);
  /// Models that a configuration which is being applied does not have any more: the server serves
  /// without them. Until SetModels, or the next call.
  void SetLeaving(std::set<std::string> models);

  Status Of(absl::string_view service) const;

  /// To be told of every event of the manager.
  void Update(const tensorflow::serving::ServableState& state);
  void SetDraining();

 private:
  bool Serves(const std::string& model) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::set<std::string> models_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> leaving_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::set<int64_t>, std::less<>> available_ ABSL_GUARDED_BY(mu_);
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_HEALTH_H_

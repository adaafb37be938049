// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/health.h"

#include <algorithm>
#include <utility>

namespace tfserving_remote {
namespace {

using tensorflow::serving::ServableState;

bool IsTheServer(absl::string_view service) {
  for (const absl::string_view name :
       {"", "PredictionService", "ModelService", "tensorflow.serving.PredictionService",
        "tensorflow.serving.ModelService"}) {
    if (service == name) return true;
  }
  return false;
}

}  // namespace

void Health::SetModels(std::set<std::string> models) {
  absl::MutexLock lock(&mu_);
  models_ = std::move(models);
  leaving_.clear();
}

void Health::SetLeaving(std::set<std::string> models) {
  absl::MutexLock lock(&mu_);
  leaving_ = std::move(models);
}

Health::Status Health::Of(absl::string_view service) const {
  using Response = grpc::health::v1::HealthCheckResponse;
  const std::string model(service);
  absl::ReaderMutexLock lock(&mu_);
  bool serves = false;
  if (IsTheServer(service)) {
    serves = std::all_of(models_.begin(), models_.end(), [this](const std::string& name) {
      mu_.AssertReaderHeld();
      return leaving_.count(name) > 0 || Serves(name);
    });
  } else if (models_.count(model) > 0) {
    serves = Serves(model);
  } else {
    return Response::SERVICE_UNKNOWN;
  }
  return serves && !draining_ ? Response::SERVING : Response::NOT_SERVING;
}

void Health::Update(const ServableState& state) {
  absl::MutexLock lock(&mu_);
  std::set<int64_t>& versions = available_[state.id.name];
  if (state.manager_state == ServableState::ManagerState::kAvailable) {
    versions.insert(state.id.version);
  } else {
    versions.erase(state.id.version);
  }
}

void Health::SetDraining() {
  absl::MutexLock lock(&mu_);
  draining_ = true;
}

bool Health::Serves(const std::string& model) const {
  const auto found = available_.find(model);
  return found != available_.end() && !found->second.empty();
}

}  // namespace tfserving_remote

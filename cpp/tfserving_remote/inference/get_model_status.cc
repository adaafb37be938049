// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/inference/get_model_status.h"

#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tensorflow_serving/core/servable_state.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using tfs::ModelVersionStatus;
using tfs::ServableState;

ModelVersionStatus::State StateNumber(ServableState::ManagerState state) {
  switch (state) {
    case ServableState::ManagerState::kStart:
      return ModelVersionStatus::START;
    case ServableState::ManagerState::kLoading:
      return ModelVersionStatus::LOADING;
    case ServableState::ManagerState::kAvailable:
      return ModelVersionStatus::AVAILABLE;
    case ServableState::ManagerState::kUnloading:
      return ModelVersionStatus::UNLOADING;
    case ServableState::ManagerState::kEnd:
      return ModelVersionStatus::END;
  }
  return ModelVersionStatus::UNKNOWN;
}

void AddEntry(const ServableState& state, tfs::GetModelStatusResponse* response) {
  ModelVersionStatus* const entry = response->add_model_version_status();
  entry->set_version(state.id.version);
  entry->set_state(StateNumber(state.manager_state));
  entry->mutable_status()->set_error_code(
      static_cast<tensorflow::error::Code>(state.health.raw_code()));
  entry->mutable_status()->set_error_message(std::string(state.health.message()));
}

}  // namespace

absl::Status GetModelStatus(const tfs::ServableStateMonitor& monitor,
                            const WhyNoVersion& why_no_version,
                            const tfs::GetModelStatusRequest& request,
                            tfs::GetModelStatusResponse* response) {
  if (!request.has_model_spec()) return absl::InvalidArgumentError("Missing ModelSpec");
  const std::string& model = request.model_spec().name();
  if (request.model_spec().has_version()) {
    const int64_t version = request.model_spec().version().value();
    const auto state = monitor.GetState({model, version});
    if (!state.has_value()) {
      return absl::NotFoundError(
          absl::StrCat("Could not find version ", version, " of model ", model));
    }
    AddEntry(*state, response);
    return absl::OkStatus();
  }
  // Descending by version, as the monitor keeps them.
  for (const auto& [version, state] : monitor.GetVersionStates(model)) {
    AddEntry(state.state, response);
  }
  if (!response->model_version_status().empty()) return absl::OkStatus();
  const std::string why = why_no_version ? why_no_version(model) : "";
  return absl::NotFoundError(
      absl::StrCat("Could not find any versions of model ", model, why.empty() ? "" : ": ", why));
}

}  // namespace tfserving_remote

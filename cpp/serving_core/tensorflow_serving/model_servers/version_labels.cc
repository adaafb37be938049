// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/model_servers/version_labels.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tensorflow {
namespace serving {
namespace internal {
namespace {

using ManagerState = ServableState::ManagerState;

// Null if there is no such label.
template <typename Models>
auto* FindLabel(Models& models, const std::string& model, const std::string& label) {
  using Found = decltype(&models.begin()->second.begin()->second);
  const auto labels = models.find(model);
  if (labels == models.end()) return Found{nullptr};
  const auto found = labels->second.find(label);
  return found == labels->second.end() ? Found{nullptr} : &found->second;
}

bool IsAvailableOrOnItsWay(const ServableId& id, const ServableStateMonitor& monitor) {
  const absl::optional<ServableState> state = monitor.GetState(id);
  return state && (state->manager_state == ManagerState::kStart ||
                   state->manager_state == ManagerState::kLoading ||
                   state->manager_state == ManagerState::kAvailable);
}

}  // namespace

absl::Status CheckLabels(const LabelConfig& present, const LabelConfig& requested,
                         UnavailableLabels allowed, const ServableStateMonitor& monitor) {
  if (allowed == UnavailableLabels::kAny) return absl::OkStatus();
  for (const auto& [model, labels] : requested) {
    for (const auto& [label, version] : labels) {
      const int64_t* const before = FindLabel(present, model, label);
      if (before != nullptr && *before == version) continue;
      if (before == nullptr && allowed == UnavailableLabels::kNewAndUnchanged) continue;
      if (IsAvailableOrOnItsWay({model, version}, monitor)) continue;
      return absl::FailedPreconditionError(absl::StrCat(
          "Request to assign label to version ", version, " of model ", model,
          ", which is not currently available for inference; the label is \"", label, "\""));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> VersionLabels::Find(const std::string& model,
                                            const std::string& label) const {
  const std::shared_ptr<const Labels> labels = published_.get();
  if (labels == nullptr || !labels->has_value()) {
    return absl::UnavailableError(absl::StrCat("Model labels does not init yet.", label));
  }
  const Label* const found = FindLabel(**labels, model, label);
  if (found != nullptr) return found->effective();
  return absl::InvalidArgumentError(absl::StrCat("Unrecognized servable version label: ", label));
}

VersionLabels::Labels VersionLabels::Replace(const LabelConfig& config) {
  Labels next;
  next.emplace();
  const std::vector<ServableId> available = list_available_();
  absl::ReleasableMutexLock lock(&mu_);
  for (const auto& [model, versions] : config) {
    for (const auto& [label, version] : versions) {
      Label& target = (*next)[model][label];
      target.version = version;
      const Label* const old = labels_ ? FindLabel(*labels_, model, label) : nullptr;
      if (old != nullptr && old->effective() != version) target.until_available = old->effective();
    }
  }
  Settle(available, &next);
  labels_.swap(next);
  Publish();
  lock.Release();
  // Whatever became available since it was asked, and was told to the labels of before.
  VersionsAvailable(list_available_());
  return next;
}

void VersionLabels::Restore(Labels labels) {
  {
    absl::MutexLock lock(&mu_);
    labels_ = std::move(labels);
    Publish();
  }
  VersionsAvailable(list_available_());
}

void VersionLabels::VersionsAvailable(const std::vector<ServableId>& ids) {
  absl::MutexLock lock(&mu_);
  if (Settle(ids, &labels_)) Publish();
}

// Moves the labels that wait for one of these versions; says whether there were any.
bool VersionLabels::Settle(const std::vector<ServableId>& available, Labels* labels) {
  if (!labels->has_value()) return false;
  bool moved = false;
  for (const ServableId& id : available) {
    const auto model = (*labels)->find(id.name);
    if (model == (*labels)->end()) continue;
    for (auto& named : model->second) {
      Label& label = named.second;
      if (label.version != id.version || !label.until_available) continue;
      label.until_available.reset();
      moved = true;
    }
  }
  return moved;
}

void VersionLabels::Publish() { published_.Update(std::make_unique<Labels>(labels_)); }

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/inference/model_resolver.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tfserving_remote {

namespace tfs = ::tensorflow::serving;

absl::StatusOr<ModelHandle> ModelResolver::Resolve(const tfs::ModelSpec& spec) const {
  if (spec.name().empty()) {
    return absl::InvalidArgumentError("ModelSpec has no name specified.");
  }
  tfs::ServableRequest request = tfs::ServableRequest::Latest(spec.name());
  if (spec.has_version()) {
    request = tfs::ServableRequest::Specific(spec.name(), spec.version().value());
  } else if (!spec.version_label().empty()) {
    absl::StatusOr<int64_t> version = VersionOfLabel(spec.name(), spec.version_label());
    if (!version.ok()) return version.status();
    request = tfs::ServableRequest::Specific(spec.name(), *version);
  }
  ModelHandle handle;
  const absl::Status status = manager_->GetServableHandle(request, &handle);
  if (status.ok()) return handle;
  if (!absl::IsNotFound(status)) return status;
  return absl::NotFoundError(absl::StrCat(status.message(), VersionsServed(spec.name())));
}

void ModelResolver::SetLabels(const LabelConfig& labels) {
  auto next = std::make_shared<Labels>();
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [model, versions] : labels) {
      for (const auto& [label, version] : versions) {
        Label& target = (*next)[model][label];
        target.version = version;
        if (labels_ == nullptr) continue;
        const auto old_model = labels_->find(model);
        if (old_model == labels_->end()) continue;
        const auto old = old_model->second.find(label);
        if (old != old_model->second.end() && old->second.effective() != version) {
          target.until_available = old->second.effective();
        }
      }
    }
    labels_ = next;
  }
  // After the swap, so that a version that becomes available at this moment is seen either here or
  // by VersionAvailable.
  for (const tfs::ServableId& id : manager_->ListAvailableServableIds()) {
    VersionAvailable(id.name, id.version);
  }
}

void ModelResolver::VersionAvailable(absl::string_view model, int64_t version) {
  absl::MutexLock lock(&mu_);
  if (labels_ == nullptr) return;
  const auto found = labels_->find(std::string(model));
  if (found == labels_->end()) return;
  const auto waits = [&](const auto& label) {
    return label.second.version == version && label.second.until_available.has_value();
  };
  if (std::none_of(found->second.begin(), found->second.end(), waits)) return;
  auto next = std::make_shared<Labels>(*labels_);
  for (auto& label : (*next)[found->first]) {
    if (label.second.version == version) label.second.until_available.reset();
  }
  labels_ = std::move(next);
}

absl::StatusOr<int64_t> ModelResolver::VersionOfLabel(const std::string& model,
                                                      const std::string& label) const {
  std::shared_ptr<const Labels> labels;
  {
    absl::MutexLock lock(&mu_);
    labels = labels_;
  }
  if (labels == nullptr) {
    return absl::UnavailableError(absl::StrCat("Model labels does not init yet.", label));
  }
  const auto of_model = labels->find(model);
  if (of_model != labels->end()) {
    const auto found = of_model->second.find(label);
    if (found != of_model->second.end()) return found->second.effective();
  }
  return absl::InvalidArgumentError(absl::StrCat("Unrecognized servable version label: ", label));
}

std::string ModelResolver::VersionsServed(const std::string& model) const {
  std::vector<int64_t> versions;
  for (const tfs::ServableId& id : manager_->ListAvailableServableIds()) {
    if (id.name == model) versions.push_back(id.version);
  }
  if (versions.empty()) return "; versions served: none (GetModelStatus says why)";
  std::sort(versions.begin(), versions.end());
  return absl::StrCat("; versions served: ", absl::StrJoin(versions, ", "));
}

}  // namespace tfserving_remote

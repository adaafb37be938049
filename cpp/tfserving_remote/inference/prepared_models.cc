// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/inference/prepared_models.h"

#include <tuple>
#include <utility>

namespace tfserving_remote {

PreparedModel::PreparedModel(const tensorflow::SavedModelBundle& bundle) {
  for (const auto& [name, signature] : bundle.GetSignatures()) {
    signatures_.emplace(std::piecewise_construct, std::forward_as_tuple(name),
                        std::forward_as_tuple(bundle.GetSession(), signature));
  }
}

const PreparedSignature* PreparedModel::Find(absl::string_view signature_name) const {
  const auto found = signatures_.find(signature_name);
  return found == signatures_.end() ? nullptr : &found->second;
}

std::shared_ptr<const PreparedModel> PreparedModels::Find(const ModelHandle& handle) {
  {
    absl::ReaderMutexLock lock(&mu_);
    const auto found = models_.find(handle.id());
    if (found != models_.end()) return found->second;
  }
  auto made = std::make_shared<const PreparedModel>(*handle);
  absl::MutexLock lock(&mu_);
  return models_.emplace(handle.id(), std::move(made)).first->second;
}

void PreparedModels::Forget(const tensorflow::serving::ServableId& id) {
  absl::MutexLock lock(&mu_);
  models_.erase(id);
}

}  // namespace tfserving_remote

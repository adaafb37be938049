// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/aspired_versions_manager_builder.h"

#include "tensorflow_serving/core/manager_wrapper.h"

namespace tensorflow {
namespace serving {

absl::Status AspiredVersionsManagerBuilder::Create(
    Options options, std::unique_ptr<AspiredVersionsManagerBuilder>* builder) {
  std::unique_ptr<AspiredVersionsManager> manager;
  absl::Status status = AspiredVersionsManager::Create(std::move(options), &manager);
  if (!status.ok()) return status;
  builder->reset(new AspiredVersionsManagerBuilder(std::move(manager)));
  return absl::OkStatus();
}

AspiredVersionsManagerBuilder::AspiredVersionsManagerBuilder(
    std::unique_ptr<AspiredVersionsManager> manager)
    : manager_(manager.get()) {
  manager_with_sources_.SetOwned(std::move(manager));
}

std::unique_ptr<Manager> AspiredVersionsManagerBuilder::Build() {
  if (manager_with_sources_.get() == nullptr) return nullptr;
  return std::make_unique<ManagerWrapper>(std::move(manager_with_sources_));
}

}  // namespace serving
}  // namespace tensorflow

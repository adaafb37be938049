// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/test_util/manager_test_util.h"

#include <utility>

namespace tensorflow {
namespace serving {
namespace test_util {

void AspiredVersionsManagerTestAccess::FlushServables() { manager_->FlushServables(); }

void AspiredVersionsManagerTestAccess::HandlePendingAspiredVersionsRequests() {
  manager_->HandlePendingAspiredVersionsRequests();
}

void AspiredVersionsManagerTestAccess::InvokePolicyAndExecuteAction() {
  manager_->InvokePolicyAndExecuteAction();
}

void AspiredVersionsManagerTestAccess::SetNumLoadThreads(uint32_t num_load_threads) {
  manager_->basic_manager_->SetNumLoadThreads(num_load_threads);
}

uint32_t AspiredVersionsManagerTestAccess::num_load_threads() const {
  return manager_->basic_manager_->num_load_threads();
}

void AspiredVersionsManagerTestAccess::SetCustomSortActions(
    AspiredVersionsManager::CustomSortActionsFn custom_sort_actions) {
  absl::MutexLock step(&manager_->step_mu_);
  manager_->custom_sort_actions_ = std::move(custom_sort_actions);
}

void BasicManagerTestAccess::SetNumLoadThreads(uint32_t num_load_threads) {
  manager_->SetNumLoadThreads(num_load_threads);
}

uint32_t BasicManagerTestAccess::num_load_threads() const { return manager_->num_load_threads(); }

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

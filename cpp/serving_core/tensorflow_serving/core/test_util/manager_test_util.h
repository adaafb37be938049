// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_TEST_UTIL_MANAGER_TEST_UTIL_H_
#define TENSORFLOW_SERVING_CORE_TEST_UTIL_MANAGER_TEST_UTIL_H_

#include <cstdint>

#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/basic_manager.h"

namespace tensorflow {
namespace serving {
namespace test_util {

// Drives a manager step by step; give it a manager with manage_state_interval_micros <= 0.
class AspiredVersionsManagerTestAccess {
 public:
  // Borrows the manager.
  explicit AspiredVersionsManagerTestAccess(AspiredVersionsManager* manager) : manager_(manager) {}

  void FlushServables();
  void HandlePendingAspiredVersionsRequests();
  // One action for every stream that has something to do.
  void InvokePolicyAndExecuteAction();

  void SetNumLoadThreads(uint32_t num_load_threads);
  uint32_t num_load_threads() const;
  void SetCustomSortActions(AspiredVersionsManager::CustomSortActionsFn custom_sort_actions);

 private:
  AspiredVersionsManager* const manager_;
};

class BasicManagerTestAccess {
 public:
  // Borrows the manager.
  explicit BasicManagerTestAccess(BasicManager* manager) : manager_(manager) {}

  void SetNumLoadThreads(uint32_t num_load_threads);
  uint32_t num_load_threads() const;

 private:
  BasicManager* const manager_;
};

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_TEST_UTIL_MANAGER_TEST_UTIL_H_

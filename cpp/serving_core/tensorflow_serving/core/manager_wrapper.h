// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_MANAGER_WRAPPER_H_
#define TENSORFLOW_SERVING_CORE_MANAGER_WRAPPER_H_

#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_handle.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/util/unique_ptr_with_deps.h"

namespace tensorflow {
namespace serving {

// A manager that owns another one, with what that one depends on, and passes every call on to it.
//
// Units:    none.
// Errors:   as the manager inside.
// Threads:  as the manager inside.
// Lifetime: as Manager; the dependencies die as UniquePtrWithDeps says.
class ManagerWrapper : public Manager {
 public:
  // `wrapped` holds a manager.
  explicit ManagerWrapper(UniquePtrWithDeps<Manager> wrapped);
  ~ManagerWrapper() override = default;

  std::vector<ServableId> ListAvailableServableIds() const override;

 private:
  absl::Status GetUntypedServableHandle(
      const ServableRequest& request,
      std::unique_ptr<UntypedServableHandle>* untyped_handle) override;
  std::map<ServableId, std::unique_ptr<UntypedServableHandle>> GetAvailableUntypedServableHandles()
      const override;

  const UniquePtrWithDeps<Manager> wrapped_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_MANAGER_WRAPPER_H_

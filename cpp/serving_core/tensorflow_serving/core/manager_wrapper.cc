// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/manager_wrapper.h"

#include <utility>

namespace tensorflow {
namespace serving {

ManagerWrapper::ManagerWrapper(UniquePtrWithDeps<Manager> wrapped) : wrapped_(std::move(wrapped)) {}

std::vector<ServableId> ManagerWrapper::ListAvailableServableIds() const {
  return wrapped_->ListAvailableServableIds();
}

absl::Status ManagerWrapper::GetUntypedServableHandle(
    const ServableRequest& request, std::unique_ptr<UntypedServableHandle>* untyped_handle) {
  return wrapped_->GetUntypedServableHandle(request, untyped_handle);
}

std::map<ServableId, std::unique_ptr<UntypedServableHandle>>
ManagerWrapper::GetAvailableUntypedServableHandles() const {
  return wrapped_->GetAvailableUntypedServableHandles();
}

}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/servable_data.h"

#include "absl/log/log.h"

namespace tensorflow {
namespace serving {
namespace internal {

void CheckIsError(const ServableId& id, const absl::Status& status) {
  if (status.ok()) LOG(FATAL) << "The error of servable " << id << " is OK";
}

void CheckIsOk(const ServableId& id, const absl::Status& status) {
  if (!status.ok()) LOG(FATAL) << "Servable " << id << " has no data: " << status;
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/servable_state.h"

#include "absl/strings/str_cat.h"

namespace tensorflow {
namespace serving {

std::string ServableState::ManagerStateString(ManagerState state) {
  switch (state) {
    case ManagerState::kStart:
      return "Start";
    case ManagerState::kLoading:
      return "Loading";
    case ManagerState::kAvailable:
      return "Available";
    case ManagerState::kUnloading:
      return "Unloading";
    case ManagerState::kEnd:
      return "End";
  }
  return "Unknown";
}

std::string ServableState::DebugString() const {
  return absl::StrCat(
      "id: ", id.DebugString(), ", manager_state: ", ManagerStateString(manager_state),
      ", health: ", health.ToString(), ", model_type: ", ServableModelTypeString(model_type));
}

bool operator==(const ServableState& a, const ServableState& b) {
  return a.id == b.id && a.manager_state == b.manager_state && a.health == b.health &&
         a.model_type == b.model_type;
}

bool operator!=(const ServableState& a, const ServableState& b) { return !(a == b); }

std::ostream& operator<<(std::ostream& out, const ServableState& state) {
  return out << state.DebugString();
}

}  // namespace serving
}  // namespace tensorflow

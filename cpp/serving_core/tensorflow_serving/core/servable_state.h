// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_SERVABLE_STATE_H_
#define TENSORFLOW_SERVING_CORE_SERVABLE_STATE_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/core/servable_model_type.h"

namespace tensorflow {
namespace serving {

// What a manager publishes about one servable each time it gets further. States of one id only move
// forward, except that an ended id that is aspired again starts anew at kStart.
struct ServableState {
  ServableId id;

  enum class ManagerState : int { kStart, kLoading, kAvailable, kUnloading, kEnd };
  // "Start", "Loading", "Available", "Unloading", "End".
  static std::string ManagerStateString(ManagerState state);

  ManagerState manager_state;
  // Not OK if the servable ended because of an error, which this is.
  absl::Status health;
  ServableModelType model_type = ServableModelType::kUnspecified;

  std::string DebugString() const;
};

// All four fields.
bool operator==(const ServableState& a, const ServableState& b);
bool operator!=(const ServableState& a, const ServableState& b);
std::ostream& operator<<(std::ostream& out, const ServableState& state);

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_SERVABLE_STATE_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_AVAILABILITY_PRESERVING_POLICY_H_
#define TENSORFLOW_SERVING_CORE_AVAILABILITY_PRESERVING_POLICY_H_

#include <vector>

#include "absl/types/optional.h"
#include "tensorflow_serving/core/aspired_version_policy.h"

namespace tensorflow {
namespace serving {

// Keeps a version available while it can: loads the new version first, then unloads the old one. Of
// several versions that are no longer wanted all but one go at once.
class AvailabilityPreservingPolicy final : public AspiredVersionPolicy {
 public:
  absl::optional<ServableAction> GetNextAction(
      const std::vector<AspiredServableStateSnapshot>& all_versions) const override;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_AVAILABILITY_PRESERVING_POLICY_H_

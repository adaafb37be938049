// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_RESOURCE_PRESERVING_POLICY_H_
#define TENSORFLOW_SERVING_CORE_RESOURCE_PRESERVING_POLICY_H_

#include <vector>

#include "absl/types/optional.h"
#include "tensorflow_serving/core/aspired_version_policy.h"

namespace tensorflow {
namespace serving {

// Never has more versions in memory than it must: unloads what is no longer wanted first, and loads
// only when that is gone. Nothing is available in between.
class ResourcePreservingPolicy final : public AspiredVersionPolicy {
 public:
  absl::optional<ServableAction> GetNextAction(
      const std::vector<AspiredServableStateSnapshot>& all_versions) const override;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_RESOURCE_PRESERVING_POLICY_H_

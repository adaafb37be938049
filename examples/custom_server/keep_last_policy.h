// SPDX-License-Identifier: Apache-2.0
#ifndef EXAMPLE_KEEP_LAST_POLICY_H_
#define EXAMPLE_KEEP_LAST_POLICY_H_

#include <vector>

#include "absl/types/optional.h"
#include "tensorflow_serving/core/aspired_version_policy.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"

namespace example {

// Loads the new version before the old one goes, and keeps the last one when none is wanted any
// more: an index that was emptied by mistake takes nothing down.
class KeepLastPolicy final : public tensorflow::serving::AspiredVersionPolicy {
 public:
  absl::optional<ServableAction> GetNextAction(
      const std::vector<tensorflow::serving::AspiredServableStateSnapshot>& all_versions)
      const override;

 private:
  const tensorflow::serving::AvailabilityPreservingPolicy availability_preserving_;
};

}  // namespace example

#endif  // EXAMPLE_KEEP_LAST_POLICY_H_

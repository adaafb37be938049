// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/resource_preserving_policy.h"

namespace tensorflow {
namespace serving {

absl::optional<AspiredVersionPolicy::ServableAction> ResourcePreservingPolicy::GetNextAction(
    const std::vector<AspiredServableStateSnapshot>& all_versions) const {
  bool unwanted_holds_resources = false;
  for (const AspiredServableStateSnapshot& version : all_versions) {
    if (version.is_aspired) continue;
    if (version.state == LoaderHarness::State::kReady) {
      return ServableAction{Action::kUnload, version.id};
    }
    unwanted_holds_resources |= version.state != LoaderHarness::State::kDisabled &&
                                version.state != LoaderHarness::State::kError;
  }
  if (unwanted_holds_resources) return absl::nullopt;

  const absl::optional<ServableId> to_load = GetHighestAspiredNewServableId(all_versions);
  if (to_load) return ServableAction{Action::kLoad, *to_load};
  return absl::nullopt;
}

}  // namespace serving
}  // namespace tensorflow

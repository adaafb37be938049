// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/availability_preserving_policy.h"

namespace tensorflow {
namespace serving {

absl::optional<AspiredVersionPolicy::ServableAction> AvailabilityPreservingPolicy::GetNextAction(
    const std::vector<AspiredServableStateSnapshot>& all_versions) const {
  bool any_aspired = false;
  bool aspired_is_ready = false;
  int num_unwanted = 0;
  absl::optional<ServableId> lowest_unwanted;
  for (const AspiredServableStateSnapshot& version : all_versions) {
    const bool ready = version.state == LoaderHarness::State::kReady;
    if (version.is_aspired) {
      any_aspired = true;
      aspired_is_ready |= ready;
    } else if (ready) {
      ++num_unwanted;
      if (!lowest_unwanted || version.id.version < lowest_unwanted->version) {
        lowest_unwanted = version.id;
      }
    }
  }
  const bool may_unload = !any_aspired || aspired_is_ready || num_unwanted > 1;
  if (may_unload && lowest_unwanted) return ServableAction{Action::kUnload, *lowest_unwanted};

  const absl::optional<ServableId> to_load = GetHighestAspiredNewServableId(all_versions);
  if (to_load) return ServableAction{Action::kLoad, *to_load};
  return absl::nullopt;
}

}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "keep_last_policy.h"

namespace example {

using tensorflow::serving::AspiredServableStateSnapshot;
using tensorflow::serving::LoaderHarness;

absl::optional<KeepLastPolicy::ServableAction> KeepLastPolicy::GetNextAction(
    const std::vector<AspiredServableStateSnapshot>& all_versions) const {
  const absl::optional<ServableAction> action =
      availability_preserving_.GetNextAction(all_versions);
  if (!action || action->action != Action::kUnload) return action;
  for (const AspiredServableStateSnapshot& version : all_versions) {
    const bool other = version.id != action->id;
    if (other && version.state == LoaderHarness::State::kReady) return action;
  }
  return absl::nullopt;  // it is the last one that serves
}

}  // namespace example

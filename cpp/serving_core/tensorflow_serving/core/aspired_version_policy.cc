// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/aspired_version_policy.h"

#include "absl/strings/str_cat.h"

namespace tensorflow {
namespace serving {

std::string AspiredVersionPolicy::ServableAction::DebugString() const {
  return absl::StrCat("{action: ", action == Action::kLoad ? "load" : "unload",
                      " id: ", id.DebugString(), "}");
}

absl::optional<ServableId> AspiredVersionPolicy::GetHighestAspiredNewServableId(
    const std::vector<AspiredServableStateSnapshot>& all_versions) {
  absl::optional<ServableId> highest;
  for (const AspiredServableStateSnapshot& version : all_versions) {
    if (!version.is_aspired || version.state != LoaderHarness::State::kNew) continue;
    if (!highest || version.id.version > highest->version) highest = version.id;
  }
  return highest;
}

}  // namespace serving
}  // namespace tensorflow

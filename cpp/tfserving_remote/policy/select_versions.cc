// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/policy/select_versions.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tfserving_remote {

VersionPolicy VersionPolicy::FromProto(
    const tensorflow::serving::FileSystemStoragePathSourceConfig::ServableVersionPolicy& proto) {
  if (proto.has_all()) return All();
  if (proto.has_specific()) {
    const auto& versions = proto.specific().versions();
    return Specific({versions.begin(), versions.end()});
  }
  return Latest(std::max<uint32_t>(1, proto.latest().num_versions()));
}

std::string VersionPolicy::DebugString() const {
  switch (kind) {
    case Kind::kLatest:
      return absl::StrCat("latest ", latest);
    case Kind::kAll:
      return "all";
    case Kind::kSpecific:
      return absl::StrCat("specific ", absl::StrJoin(specific, ", "));
  }
  return "";
}

VersionSelection SelectVersions(const VersionPolicy& policy, const std::set<int64_t>& versions) {
  VersionSelection selection;
  switch (policy.kind) {
    case VersionPolicy::Kind::kLatest: {
      const size_t count = std::min<size_t>(policy.latest, versions.size());
      selection.selected.insert(std::prev(versions.end(), static_cast<std::ptrdiff_t>(count)),
                                versions.end());
      break;
    }
    case VersionPolicy::Kind::kAll:
      selection.selected = versions;
      break;
    case VersionPolicy::Kind::kSpecific:
      for (const int64_t version : policy.specific) {
        (versions.count(version) > 0 ? selection.selected : selection.missing).insert(version);
      }
      break;
  }
  return selection;
}

}  // namespace tfserving_remote

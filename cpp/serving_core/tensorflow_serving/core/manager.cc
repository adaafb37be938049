// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/manager.h"

#include "absl/strings/str_cat.h"

namespace tensorflow {
namespace serving {

ServableRequest ServableRequest::Specific(const std::string& name, const int64_t version) {
  return ServableRequest(name, version);
}

ServableRequest ServableRequest::Earliest(const std::string& name) {
  ServableRequest request(name, absl::nullopt);
  request.auto_version_policy = AutoVersionPolicy::kEarliest;
  return request;
}

ServableRequest ServableRequest::Latest(const std::string& name) {
  return ServableRequest(name, absl::nullopt);
}

ServableRequest ServableRequest::FromId(const ServableId& id) {
  return Specific(id.name, id.version);
}

std::string ServableRequest::DebugString() const {
  if (version) return absl::StrCat("Specific(", name, ", ", *version, ")");
  const bool earliest = auto_version_policy == AutoVersionPolicy::kEarliest;
  return absl::StrCat(earliest ? "Earliest(" : "Latest(", name, ")");
}

}  // namespace serving
}  // namespace tensorflow

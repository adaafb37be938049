// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/servable_id.h"

#include <functional>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "tensorflow_serving/util/hash.h"

namespace tensorflow {
namespace serving {

std::string ServableId::DebugString() const {
  return absl::StrCat("{name: ", name, " version: ", version, "}");
}

uint64_t HashServableId::operator()(const ServableId& id) const {
  return HashCombine(std::hash<std::string>()(id.name), std::hash<int64_t>()(id.version));
}

bool operator==(const ServableId& a, const ServableId& b) {
  return a.version == b.version && a.name == b.name;
}

bool operator!=(const ServableId& a, const ServableId& b) { return !(a == b); }

bool operator<(const ServableId& a, const ServableId& b) {
  return std::tie(a.name, a.version) < std::tie(b.name, b.version);
}

std::ostream& operator<<(std::ostream& out, const ServableId& id) {
  return out << id.DebugString();
}

}  // namespace serving
}  // namespace tensorflow

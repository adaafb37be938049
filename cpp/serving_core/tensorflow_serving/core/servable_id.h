// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_SERVABLE_ID_H_
#define TENSORFLOW_SERVING_CORE_SERVABLE_ID_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// Names one version of one servable stream.
struct ServableId {
  std::string name;
  // At least 0.
  int64_t version;

  // `{name: N version: V}`
  std::string DebugString() const;
};

struct HashServableId {
  uint64_t operator()(const ServableId& id) const;
};

bool operator==(const ServableId& a, const ServableId& b);
bool operator!=(const ServableId& a, const ServableId& b);
// By name, then by version.
bool operator<(const ServableId& a, const ServableId& b);
std::ostream& operator<<(std::ostream& out, const ServableId& id);

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_SERVABLE_ID_H_

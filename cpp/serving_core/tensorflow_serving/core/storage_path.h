// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_STORAGE_PATH_H_
#define TENSORFLOW_SERVING_CORE_STORAGE_PATH_H_

#include <string>

#include "tensorflow_serving/core/servable_data.h"

namespace tensorflow {
namespace serving {

// Where one version is stored: a directory or a URL.
using StoragePath = std::string;

// Same id, and the same path or the same error.
inline bool operator==(const ServableData<StoragePath>& a, const ServableData<StoragePath>& b) {
  if (a.id() != b.id() || a.status() != b.status()) return false;
  return !a.status().ok() || a.DataOrDie() == b.DataOrDie();
}

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_STORAGE_PATH_H_

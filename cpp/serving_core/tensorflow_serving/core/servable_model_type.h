// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_SERVABLE_MODEL_TYPE_H_
#define TENSORFLOW_SERVING_CORE_SERVABLE_MODEL_TYPE_H_

#include <string>

namespace tensorflow {
namespace serving {

enum class ServableModelType : int { kUnspecified, kTensorflow };

// "unspecified" or "tf".
inline std::string ServableModelTypeString(ServableModelType type) {
  return type == ServableModelType::kTensorflow ? "tf" : "unspecified";
}

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_SERVABLE_MODEL_TYPE_H_

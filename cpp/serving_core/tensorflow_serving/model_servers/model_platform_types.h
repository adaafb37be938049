// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_PLATFORM_TYPES_H_
#define TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_PLATFORM_TYPES_H_

namespace tensorflow {
namespace serving {

// The platform of SavedModels, as a model's configuration names it.
constexpr char kTensorFlowModelPlatform[] = "tensorflow";

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_PLATFORM_TYPES_H_

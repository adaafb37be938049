// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SIMPLE_SERVERS_H_
#define TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SIMPLE_SERVERS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "tensorflow_serving/core/manager.h"

namespace tensorflow {
namespace serving {
namespace simple_servers {

// A manager of one SavedModel, the stream "default": it serves the highest version found below
// `base_path`, looks for a new one every second, and unloads the old one when the new one is ready.
// Its servables are SavedModelBundles. It neither waits for a version nor fails without one.
// kInvalidArgument without a path.
absl::Status CreateSingleTFModelManagerFromBasePath(const std::string& base_path,
                                                    std::unique_ptr<Manager>* manager);

}  // namespace simple_servers
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SIMPLE_SERVERS_H_

// SPDX-License-Identifier: Apache-2.0
#include "bindings/bindings.h"
#include "tensorflow/c/c_api.h"

namespace tfserving_remote {

void BindBuildInfo(pybind11::module_& module) {
  module.attr("built_for_tensorflow") = TFSR_TENSORFLOW_VERSION;
  module.def(
      "running_tensorflow", [] { return std::string(TF_Version()); },
      "Version of the TensorFlow libraries that this process has loaded.");
}

}  // namespace tfserving_remote

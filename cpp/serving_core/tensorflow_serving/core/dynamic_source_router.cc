// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/dynamic_source_router.h"

#include "absl/strings/str_cat.h"

namespace tensorflow {
namespace serving {
namespace internal {

absl::Status ValidateRoutes(int num_output_ports, const PortsByServable& routes) {
  if (num_output_ports < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("A router needs at least 1 output port, not ", num_output_ports));
  }
  for (const auto& [servable_name, port] : routes) {
    if (port < 0 || port >= num_output_ports) {
      return absl::InvalidArgumentError(absl::StrCat("Port number out of range: ", port));
    }
    if (port == num_output_ports - 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("The last port (", port, ") is reserved for servables without a route; ",
                       servable_name, " may not be routed to it"));
    }
  }
  return absl::OkStatus();
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

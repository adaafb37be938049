// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/util/status_util.h"

#include <string>

namespace tensorflow {
namespace serving {

StatusProto ToStatusProto(const absl::Status& status) {
  StatusProto status_proto;
  // code(), not raw_code(): the message's enum knows the canonical codes only.
  status_proto.set_error_code(static_cast<error::Code>(status.code()));
  if (!status.ok()) status_proto.set_error_message(std::string(status.message()));
  return status_proto;
}

absl::Status FromStatusProto(const StatusProto& status_proto) {
  return absl::Status(static_cast<absl::StatusCode>(status_proto.error_code()),
                      status_proto.error_message());
}

}  // namespace serving
}  // namespace tensorflow

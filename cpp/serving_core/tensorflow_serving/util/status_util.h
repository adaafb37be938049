// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_UTIL_STATUS_UTIL_H_
#define TENSORFLOW_SERVING_UTIL_STATUS_UTIL_H_

#include "absl/status/status.h"
#include "tensorflow_serving/apis/status.pb.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// Code and message; payloads do not travel.
StatusProto ToStatusProto(const absl::Status& status);

// A code that is none is kUnknown; an OK status has no message.
absl::Status FromStatusProto(const StatusProto& status_proto);

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_STATUS_UTIL_H_

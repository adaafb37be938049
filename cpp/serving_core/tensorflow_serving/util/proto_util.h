// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_UTIL_PROTO_UTIL_H_
#define TENSORFLOW_SERVING_UTIL_PROTO_UTIL_H_

#include <string>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {
namespace internal {

absl::Status ParseProtoTextFile(const std::string& file, google::protobuf::Message* proto);

}  // namespace internal

// Reads a message in text format, from any file system that TensorFlow knows. The file system's
// error if `file` cannot be read; kInvalidArgument `Invalid protobuf file: '...'` if it does not
// parse: what is wrong is then in the log, with line and column.
template <typename ProtoType>
absl::Status ParseProtoTextFile(const std::string& file, ProtoType* proto) {
  return internal::ParseProtoTextFile(file, proto);
}

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_PROTO_UTIL_H_

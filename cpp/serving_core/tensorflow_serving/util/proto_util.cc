// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/util/proto_util.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "tensorflow/core/platform/env.h"

namespace tensorflow {
namespace serving {
namespace internal {

absl::Status ParseProtoTextFile(const std::string& file, google::protobuf::Message* proto) {
  std::string text;
  absl::Status status = ReadFileToString(DefaultEnv(), file, &text);
  if (!status.ok()) return status;
  if (!google::protobuf::TextFormat::ParseFromString(text, proto)) {
    return absl::InvalidArgumentError(absl::StrCat("Invalid protobuf file: '", file, "'"));
  }
  return absl::OkStatus();
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

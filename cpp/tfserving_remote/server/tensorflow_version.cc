// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/tensorflow_version.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tensorflow/c/c_api.h"

namespace tfserving_remote {
namespace {

std::string MajorMinor(absl::string_view version) {
  const std::vector<absl::string_view> parts = absl::StrSplit(version, '.');
  return parts.size() < 2 ? std::string(version) : absl::StrCat(parts[0], ".", parts[1]);
}

}  // namespace

absl::Status CheckTensorFlowVersion(absl::string_view built_for, absl::string_view running) {
  const std::string wanted = MajorMinor(built_for);
  if (wanted == MajorMinor(running)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("This server is built for TensorFlow ", wanted, " but found TensorFlow ",
                   running, "; run: pip install 'tensorflow~=", wanted, ".0'"));
}

absl::Status CheckTensorFlowVersion() {
  return CheckTensorFlowVersion(TFSR_TENSORFLOW_VERSION, TF_Version());
}

std::string VersionText() {
  return absl::StrCat("TensorFlow ModelServer: ", TFSR_VERSION,
                      "\nTensorFlow Library: ", TF_Version(), "\n");
}

}  // namespace tfserving_remote

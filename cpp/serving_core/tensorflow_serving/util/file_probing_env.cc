// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/util/file_probing_env.h"

#include "tensorflow/core/platform/env.h"

namespace tensorflow {
namespace serving {

absl::Status TensorflowFileProbingEnv::FileExists(absl::string_view fname) {
  return env_->FileExists(std::string(fname));
}

absl::Status TensorflowFileProbingEnv::GetChildren(const std::string& dir,
                                                   std::vector<std::string>* children) {
  children->clear();
  return env_->GetChildren(dir, children);
}

absl::Status TensorflowFileProbingEnv::IsDirectory(const std::string& fname) {
  return env_->IsDirectory(fname);
}

absl::Status TensorflowFileProbingEnv::GetFileSize(const std::string& fname, uint64_t* file_size) {
  return env_->GetFileSize(fname, file_size);
}

}  // namespace serving
}  // namespace tensorflow

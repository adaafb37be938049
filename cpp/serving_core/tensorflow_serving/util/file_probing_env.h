// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_UTIL_FILE_PROBING_ENV_H_
#define TENSORFLOW_SERVING_UTIL_FILE_PROBING_ENV_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// The little of a file system that looks around without reading.
//
// Units:    sizes in bytes.
// Errors:   kNotFound for what is not there; IsDirectory says kFailedPrecondition of a plain file.
// Threads:  as the implementation; TensorflowFileProbingEnv is safe from any thread.
// Lifetime: none of its own.
class FileProbingEnv {
 public:
  virtual ~FileProbingEnv() = default;

  // OK if there is something of that name, be it a file or a directory.
  virtual absl::Status FileExists(absl::string_view fname) = 0;
  // Replaces `children` by the names in `dir`, without their path, in no order.
  virtual absl::Status GetChildren(const std::string& dir, std::vector<std::string>* children) = 0;
  // OK if it is a directory.
  virtual absl::Status IsDirectory(const std::string& fname) = 0;
  virtual absl::Status GetFileSize(const std::string& fname, uint64_t* file_size) = 0;
};

// Every file system that TensorFlow knows, chosen by the path's scheme.
class TensorflowFileProbingEnv : public FileProbingEnv {
 public:
  // `env` is not owned.
  explicit TensorflowFileProbingEnv(Env* env) : env_(env) {}

  absl::Status FileExists(absl::string_view fname) override;
  absl::Status GetChildren(const std::string& dir, std::vector<std::string>* children) override;
  absl::Status IsDirectory(const std::string& fname) override;
  absl::Status GetFileSize(const std::string& fname, uint64_t* file_size) override;

 private:
  Env* const env_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_FILE_PROBING_ENV_H_

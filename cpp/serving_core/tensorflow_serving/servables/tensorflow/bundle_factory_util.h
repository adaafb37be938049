// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_BUNDLE_FACTORY_UTIL_H_
#define TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_BUNDLE_FACTORY_UTIL_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "tensorflow/core/protobuf/config.pb.h"
#include "tensorflow/core/public/session.h"
#include "tensorflow/core/public/session_options.h"
#include "tensorflow_serving/resources/resources.pb.h"
#include "tensorflow_serving/servables/tensorflow/session_bundle_config.pb.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// What `config` says of the session to make and of the run that restores its variables.
SessionOptions GetSessionOptions(const SessionBundleConfig& config);
RunOptions GetRunOptions(const SessionBundleConfig& config);

// Estimates what the SavedModel in the folder `path` needs from the size of all files under it: 1.2
// times that many bytes of the host's memory. The error of the file system where that fails. There
// is no validation result to use here, so `use_validation_result` changes nothing.
absl::Status EstimateResourceFromPath(const std::string& path, bool use_validation_result,
                                      ResourceAllocation* estimate);

// Puts a ServingSession around `*session`.
absl::Status WrapSession(std::unique_ptr<Session>* session);

// The same, and one that runs in its own threads whatever thread pools a caller brings.
absl::Status WrapSessionIgnoreThreadPoolOptions(std::unique_ptr<Session>* session);

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_BUNDLE_FACTORY_UTIL_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_TENSORFLOW_VERSION_H_
#define TFSERVING_REMOTE_SERVER_TENSORFLOW_VERSION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tfserving_remote {

/// FAILED_PRECONDITION, with what to install, unless both have the same major.minor: TensorFlow's
/// C++ interface changes between minor versions, and a mismatch shows as a crash. Pure.
absl::Status CheckTensorFlowVersion(absl::string_view built_for, absl::string_view running);

/// The same for this build and the libraries that this process has loaded.
absl::Status CheckTensorFlowVersion();

/// What --version prints.
std::string VersionText();

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_TENSORFLOW_VERSION_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_INFERENCE_GET_MODEL_STATUS_H_
#define TFSERVING_REMOTE_INFERENCE_GET_MODEL_STATUS_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "tensorflow_serving/apis/get_model_status.pb.h"
#include "tensorflow_serving/core/servable_state_monitor.h"

namespace tfserving_remote {

/// Why a configured model has no version yet (an unreachable store, an empty base path); empty when
/// there is nothing to say.
using WhyNoVersion = std::function<std::string(const std::string& model)>;

/// Answers GetModelStatus: every version seen since the process started, newest first, with the
/// reason when it failed.
///
/// Errors:   INVALID_ARGUMENT (no ModelSpec), NOT_FOUND (no version was seen; followed by what
///           `why_no_version` says). Safe to call from any thread.
absl::Status GetModelStatus(const tensorflow::serving::ServableStateMonitor& monitor,
                            const WhyNoVersion& why_no_version,
                            const tensorflow::serving::GetModelStatusRequest& request,
                            tensorflow::serving::GetModelStatusResponse* response);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_INFERENCE_GET_MODEL_STATUS_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_INFERENCE_GET_MODEL_METADATA_H_
#define TFSERVING_REMOTE_INFERENCE_GET_MODEL_METADATA_H_

#include "absl/status/status.h"
#include "tensorflow_serving/apis/get_model_metadata.pb.h"
#include "tensorflow_serving/model_servers/server_core.h"

namespace tfserving_remote {

/// Answers GetModelMetadata: all signatures of a version that serves, and its number; of a model
/// that is a tensorflow::serving::Servable, what that says.
///
/// Errors:   INVALID_ARGUMENT (no ModelSpec, no metadata field or an unknown one), then those of
///           ServerCore::GetServableHandle. Safe to call from any thread.
absl::Status GetModelMetadata(tensorflow::serving::ServerCore& core,
                              const tensorflow::serving::GetModelMetadataRequest& request,
                              tensorflow::serving::GetModelMetadataResponse* response);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_INFERENCE_GET_MODEL_METADATA_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_INFERENCE_GET_MODEL_METADATA_H_
#define TFSERVING_REMOTE_INFERENCE_GET_MODEL_METADATA_H_

#include "absl/status/status.h"
#include "tensorflow_serving/apis/get_model_metadata.pb.h"
#include "tfserving_remote/inference/model_resolver.h"

namespace tfserving_remote {

/// Answers GetModelMetadata: all signatures of a version that serves, and its number.
///
/// Errors:   INVALID_ARGUMENT (no ModelSpec, no metadata field or an unknown one), then those of
///           ModelResolver. Safe to call from any thread.
absl::Status GetModelMetadata(const ModelResolver& resolver,
                              const tensorflow::serving::GetModelMetadataRequest& request,
                              tensorflow::serving::GetModelMetadataResponse* response);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_INFERENCE_GET_MODEL_METADATA_H_

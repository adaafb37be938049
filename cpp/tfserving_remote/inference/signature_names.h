// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_INFERENCE_SIGNATURE_NAMES_H_
#define TFSERVING_REMOTE_INFERENCE_SIGNATURE_NAMES_H_

namespace tfserving_remote {

/// Names that SavedModels and TensorFlow Serving agree on.
inline constexpr char kDefaultSignatureName[] = "serving_default";
inline constexpr char kPredictMethodName[] = "tensorflow/serving/predict";
inline constexpr char kClassifyMethodName[] = "tensorflow/serving/classify";
inline constexpr char kRegressMethodName[] = "tensorflow/serving/regress";

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_INFERENCE_SIGNATURE_NAMES_H_

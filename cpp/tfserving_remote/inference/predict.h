// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_INFERENCE_PREDICT_H_
#define TFSERVING_REMOTE_INFERENCE_PREDICT_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tensorflow_serving/apis/predict.pb.h"
#include "tensorflow_serving/model_servers/server_core.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/inference/prepared_models.h"
#include "tfserving_remote/inference/tensor_codec.h"

namespace tfserving_remote {

struct PredictOptions {
  TensorEncoding encoding = TensorEncoding::kTypedFields;
  /// Serve only signatures whose method_name is predict, classify or regress. Off, as upstream:
  /// exporters write what they like there.
  bool check_method_name = false;
};

/// Predict: named tensors in, named tensors out. A model that is a tensorflow::serving::Servable
/// answers for itself.
///
/// Units:    absl::Time.
/// Errors:   TensorFlow Serving's, in its order of checks (model, signature, inputs, outputs, run);
///           what the model's operations report passes through unchanged.
/// Threads:  safe to call from any thread; a call blocks for the time of the run.
/// Lifetime: core, models and clock outlive it.
class Predictor {
 public:
  Predictor(tensorflow::serving::ServerCore& core, PreparedModels& models, Clock& clock,
            PredictOptions options)
      : core_(core), models_(models), clock_(clock), options_(options) {}

  /// DEADLINE_EXCEEDED when the run is not over at `deadline`. `response` is unspecified after an
  /// error.
  absl::Status Predict(const tensorflow::serving::PredictRequest& request, absl::Time deadline,
                       tensorflow::serving::PredictResponse* response) const;

 private:
  absl::Status AskSavedModel(const ModelHandle& handle,
                             const tensorflow::serving::PredictRequest& request,
                             absl::Time deadline,
                             tensorflow::serving::PredictResponse* response) const;
  absl::Status AskServable(const tensorflow::serving::PredictRequest& request, absl::Time deadline,
                           tensorflow::serving::PredictResponse* response) const;
  absl::Status Run(const PreparedSignature& signature,
                   const tensorflow::serving::PredictRequest& request, absl::Time deadline,
                   tensorflow::serving::PredictResponse* response) const;

  tensorflow::serving::ServerCore& core_;
  PreparedModels& models_;
  Clock& clock_;
  const PredictOptions options_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_INFERENCE_PREDICT_H_

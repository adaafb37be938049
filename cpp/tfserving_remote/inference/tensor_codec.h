// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_INFERENCE_TENSOR_CODEC_H_
#define TFSERVING_REMOTE_INFERENCE_TENSOR_CODEC_H_

#include "absl/status/status.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/framework/tensor.pb.h"

namespace tfserving_remote {

/// How tensors of an answer are written.
enum class TensorEncoding {
  /// float_val, int_val, string_val ...: every element a field value. Upstream's default.
  kTypedFields,
  /// tensor_content: the elements' bytes as they lie in memory. Strings keep string_val.
  kTensorContent,
};

/// Wire form to tensor, and back: the only place that copies elements.
///
/// Units:    none.
/// Errors:   INVALID_ARGUMENT for a dtype, shape and element count that do not fit together, or a
///           string dtype in tensor_content; the message says which.
/// Threads:  pure functions.
/// Lifetime: results own their memory.
absl::Status DecodeTensor(const tensorflow::TensorProto& proto, tensorflow::Tensor* tensor);

/// Fields of `proto` that were set before are replaced.
void EncodeTensor(const tensorflow::Tensor& tensor, TensorEncoding encoding,
                  tensorflow::TensorProto* proto);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_INFERENCE_TENSOR_CODEC_H_

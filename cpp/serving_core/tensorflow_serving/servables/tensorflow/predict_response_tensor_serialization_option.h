// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_PREDICT_RESPONSE_TENSOR_SERIALIZATION_OPTION_H_
#define TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_PREDICT_RESPONSE_TENSOR_SERIALIZATION_OPTION_H_

namespace tensorflow {
namespace serving {
namespace internal {

// How the tensors of a PredictResponse are written.
enum class PredictResponseTensorSerializationOption {
  // In the field of their type, such as float_val.
  kAsProtoField = 0,
  // In tensor_content, except strings.
  kAsProtoContent = 1,
};

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_PREDICT_RESPONSE_TENSOR_SERIALIZATION_OPTION_H_

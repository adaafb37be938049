// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/inference/tensor_codec.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "tensorflow/core/framework/tensor_shape.h"
#include "tensorflow/core/framework/types.h"

namespace tfserving_remote {
namespace {

using tensorflow::DataType;
using tensorflow::Tensor;
using tensorflow::TensorProto;
using tensorflow::TensorShape;

// A tensor that is written as fewer values than it has elements is filled up with the last one.
// What is written so may become this large and no larger: a request of twenty bytes must not take
// all memory.
constexpr int64_t kMaxFilledBytes = int64_t{256} << 20;

absl::Status CheckFilledSize(const TensorProto& proto, const TensorShape& shape) {
  const int64_t element_bytes = std::max(1, tensorflow::DataTypeSize(proto.dtype()));
  if (shape.num_elements() <= kMaxFilledBytes / element_bytes) return absl::OkStatus();
  // No element takes less than one byte on the wire.
  if (static_cast<int64_t>(proto.ByteSizeLong()) >= shape.num_elements()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("shape ", shape.DebugString(), " has more elements than there are values"));
}

}  // namespace

absl::Status DecodeTensor(const TensorProto& proto, Tensor* tensor) {
  // FromProto only says yes or no; these checks are for the message.
  if (proto.dtype() == DataType::DT_INVALID) {
    return absl::InvalidArgumentError("it has no dtype");
  }
  if (!TensorShape::IsValid(proto.tensor_shape())) {
    return absl::InvalidArgumentError("its shape has a negative dimension or too many elements");
  }
  const TensorShape shape(proto.tensor_shape());
  if (absl::Status status = CheckFilledSize(proto, shape); !status.ok()) return status;
  if (tensor->FromProto(proto)) return absl::OkStatus();
  std::string content;
  if (!proto.tensor_content().empty()) {
    content = absl::StrCat(" (", proto.tensor_content().size(), " bytes of tensor_content)");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("dtype ", tensorflow::DataTypeString(proto.dtype()), " and shape ",
                   shape.DebugString(), " do not fit its values", content));
}

void EncodeTensor(const Tensor& tensor, TensorEncoding encoding, TensorProto* proto) {
  if (encoding == TensorEncoding::kTensorContent &&
      tensorflow::DataTypeCanUseMemcpy(tensor.dtype())) {
    tensor.AsProtoTensorContent(proto);
  } else {
    tensor.AsProtoField(proto);
  }
}

}  // namespace tfserving_remote

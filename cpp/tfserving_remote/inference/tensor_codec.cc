// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/inference/tensor_codec.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "tensorflow/core/framework/tensor_shape.h"
#include "tensorflow/core/framework/types.h"
#include "tensorflow/core/platform/tstring.h"

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

// Values whose size the dtype does not tell: how many there are, and the bytes that each copy of
// the last one takes in memory.
struct Objects {
  int64_t values = 0;
  int64_t bytes_of_last = 0;
};

Objects ObjectsOf(const TensorProto& proto) {
  // Of tensor_content every string takes a byte at least, its length.
  if (!proto.tensor_content().empty()) {
    return {static_cast<int64_t>(proto.tensor_content().size()), sizeof(tensorflow::tstring)};
  }
  if (proto.dtype() == DataType::DT_STRING) {
    const int values = proto.string_val_size();
    const size_t length = values > 0 ? proto.string_val(values - 1).size() : 0;
    return {values, static_cast<int64_t>(sizeof(tensorflow::tstring) + length)};
  }
  // Resources and variants; no smaller than all that was sent, and roomy in memory.
  const int values = proto.dtype() == DataType::DT_RESOURCE ? proto.resource_handle_val_size()
                                                            : proto.variant_val_size();
  return {values, static_cast<int64_t>(proto.ByteSizeLong()) + 1024};
}

bool IsObject(DataType dtype) {
  return dtype == DataType::DT_STRING || dtype == DataType::DT_RESOURCE ||
         dtype == DataType::DT_VARIANT;
}

absl::Status TooFewValues(const TensorShape& shape) {
  return absl::InvalidArgumentError(
      absl::StrCat("shape ", shape.DebugString(), " has more elements than there are values"));
}

absl::Status CheckFilledSize(const TensorProto& proto, const TensorShape& shape) {
  if (IsObject(proto.dtype())) {
    const Objects objects = ObjectsOf(proto);
    const int64_t filled = shape.num_elements() - objects.values;
    if (filled <= kMaxFilledBytes / objects.bytes_of_last) return absl::OkStatus();
    return TooFewValues(shape);
  }
  const int64_t element_bytes = std::max(1, tensorflow::DataTypeSize(proto.dtype()));
  if (shape.num_elements() <= kMaxFilledBytes / element_bytes) return absl::OkStatus();
  // No element takes less than one byte on the wire.
  if (static_cast<int64_t>(proto.ByteSizeLong()) >= shape.num_elements()) return absl::OkStatus();
  return TooFewValues(shape);
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

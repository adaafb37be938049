// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/inference/tensor_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/string_view.h"
#include "google/protobuf/text_format.h"

namespace tfserving_remote {
namespace {

using tensorflow::Tensor;
using tensorflow::TensorProto;
using ::testing::HasSubstr;

TensorProto Proto(const char* text) {
  TensorProto proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto));
  return proto;
}

std::string DecodeError(const char* text) {
  Tensor tensor;
  const absl::Status status = DecodeTensor(Proto(text), &tensor);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(TensorCodecTest, ReadsTypedFieldsAndTensorContent) {
  Tensor typed;
  Tensor raw;
  ASSERT_TRUE(
      DecodeTensor(Proto("dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: [ 1, 2 ]"),
                   &typed)
          .ok());
  ASSERT_TRUE(DecodeTensor(Proto("dtype: DT_INT32 tensor_shape { dim { size: 2 } } "
                                 "tensor_content: '\\001\\000\\000\\000\\002\\000\\000\\000'"),
                           &raw)
                  .ok());
  for (const Tensor& tensor : {typed, raw}) {
    EXPECT_EQ(tensor.flat<int32_t>()(0), 1);
    EXPECT_EQ(tensor.flat<int32_t>()(1), 2);
  }
}

TEST(TensorCodecTest, SaysWhatDoesNotFit) {
  EXPECT_THAT(DecodeError("float_val: 1"), HasSubstr("no dtype"));
  EXPECT_THAT(DecodeError("dtype: DT_FLOAT tensor_shape { dim { size: -1 } }"), HasSubstr("shape"));
  EXPECT_THAT(DecodeError("dtype: DT_FLOAT tensor_shape { dim { size: 3 } } tensor_content: 'ab'"),
              HasSubstr("(2 bytes of tensor_content)"));
}

TEST(TensorCodecTest, RefusesATinyMessageThatStandsForAGiantTensor) {
  EXPECT_THAT(
      DecodeError("dtype: DT_FLOAT tensor_shape { dim { size: 10000000000 } } float_val: 1"),
      HasSubstr("more elements than there are values"));
  Tensor filled;
  ASSERT_TRUE(
      DecodeTensor(Proto("dtype: DT_FLOAT tensor_shape { dim { size: 1000 } } float_val: 7"),
                   &filled)
          .ok());
  EXPECT_EQ(filled.flat<float>()(999), 7);
}

TEST(TensorCodecTest, WritesTheEncodingThatIsAskedFor) {
  Tensor tensor(tensorflow::DT_FLOAT, {2});
  tensor.flat<float>().setConstant(3);
  TensorProto typed;
  EncodeTensor(tensor, TensorEncoding::kTypedFields, &typed);
  EXPECT_EQ(typed.float_val_size(), 2);
  EXPECT_TRUE(typed.tensor_content().empty());

  TensorProto raw;
  EncodeTensor(tensor, TensorEncoding::kTensorContent, &raw);
  EXPECT_EQ(raw.float_val_size(), 0);
  EXPECT_EQ(raw.tensor_content().size(), 8u);
  EXPECT_EQ(raw.tensor_shape().dim(0).size(), 2);
}

TEST(TensorCodecTest, StringsAreFieldsInEitherEncoding) {
  Tensor tensor(tensorflow::DT_STRING, {1});
  tensor.flat<tensorflow::tstring>()(0) = "hello";
  TensorProto proto;
  EncodeTensor(tensor, TensorEncoding::kTensorContent, &proto);
  EXPECT_EQ(proto.string_val(0), "hello");
}

TEST(TensorCodecTest, RefusesStringsThatRepeatedWouldTakeAllMemory) {
  tensorflow::TensorProto proto;
  proto.set_dtype(tensorflow::DT_STRING);
  proto.mutable_tensor_shape()->add_dim()->set_size(1 << 20);
  tensorflow::Tensor tensor;
  proto.add_string_val("short");
  EXPECT_TRUE(DecodeTensor(proto, &tensor).ok()) << "tens of megabytes are no harm";
  // As many bytes as elements, which would become a terabyte.
  proto.set_string_val(0, std::string(1 << 20, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeTensor(proto, &tensor)));
  proto.mutable_tensor_shape()->mutable_dim(0)->set_size(200 << 20);
  proto.clear_string_val();
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeTensor(proto, &tensor))) << "empty ones have a size";
  proto.set_tensor_content("short");
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeTensor(proto, &tensor)));
}

}  // namespace
}  // namespace tfserving_remote

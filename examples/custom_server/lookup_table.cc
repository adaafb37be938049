// SPDX-License-Identifier: Apache-2.0
#include "lookup_table.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tensorflow/core/framework/tensor.pb.h"
#include "tensorflow/core/framework/types.pb.h"
#include "tensorflow/core/protobuf/meta_graph.pb.h"

namespace example {
namespace {

using tensorflow::TensorProto;
using tensorflow::serving::ServableId;

absl::Status CheckKeys(const TensorProto& keys) {
  if (keys.dtype() != tensorflow::DT_STRING) {
    return absl::InvalidArgumentError("`keys` is to be a tensor of strings");
  }
  int64_t elements = 1;
  for (const auto& dim : keys.tensor_shape().dim()) {
    if (dim.size() < 0 || __builtin_mul_overflow(elements, dim.size(), &elements)) elements = -1;
    if (elements < 0) break;
  }
  if (elements == keys.string_val_size()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("`keys` holds ", keys.string_val_size(), " strings, but its shape ", elements));
}

tensorflow::TensorInfo Info(const std::string& name, tensorflow::DataType type) {
  tensorflow::TensorInfo info;
  info.set_name(name);
  info.set_dtype(type);
  info.mutable_tensor_shape()->set_unknown_rank(true);
  return info;
}

}  // namespace

LookupTable::LookupTable(const ServableId& id, std::string text)
    : Servable(id.name, id.version), text_(std::move(text)) {}

absl::StatusOr<std::unique_ptr<LookupTable>> LookupTable::Parse(const ServableId& id,
                                                                std::string text) {
  std::unique_ptr<LookupTable> table(new LookupTable(id, std::move(text)));
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(table->text_, '\n')) {
    ++number;
    if (line.empty()) continue;
    const std::pair<absl::string_view, absl::string_view> row =
        absl::StrSplit(line, absl::MaxSplits('\t', 1));
    if (row.first.size() == line.size()) {
      return absl::InvalidArgumentError(absl::StrCat("line ", number, " has no tab"));
    }
    if (!table->values_.insert(row).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": key \"", row.first, "\" is there twice"));
    }
  }
  return table;
}

absl::Status LookupTable::Predict(const RunOptions&,
                                  const tensorflow::serving::PredictRequest& request,
                                  tensorflow::serving::PredictResponse* response) {
  const auto input = request.inputs().find("keys");
  if (request.inputs_size() != 1 || input == request.inputs().end()) {
    return absl::InvalidArgumentError("a lookup table has one input, `keys`");
  }
  const TensorProto& keys = input->second;
  if (absl::Status status = CheckKeys(keys); !status.ok()) return status;
  TensorProto& values = (*response->mutable_outputs())["values"];
  TensorProto& found = (*response->mutable_outputs())["found"];
  values.set_dtype(tensorflow::DT_STRING);
  found.set_dtype(tensorflow::DT_BOOL);
  *values.mutable_tensor_shape() = keys.tensor_shape();
  *found.mutable_tensor_shape() = keys.tensor_shape();
  for (const std::string& key : keys.string_val()) {
    const auto row = values_.find(key);
    found.add_bool_val(row != values_.end());
    values.add_string_val(row == values_.end() ? std::string() : std::string(row->second));
  }
  return absl::OkStatus();
}

absl::Status LookupTable::GetModelMetadata(
    const tensorflow::serving::GetModelMetadataRequest&,
    tensorflow::serving::GetModelMetadataResponse* response) {
  tensorflow::serving::SignatureDefMap signatures;
  tensorflow::SignatureDef& signature = (*signatures.mutable_signature_def())["serving_default"];
  signature.set_method_name("tensorflow/serving/predict");
  (*signature.mutable_inputs())["keys"] = Info("keys", tensorflow::DT_STRING);
  (*signature.mutable_outputs())["values"] = Info("values", tensorflow::DT_STRING);
  (*signature.mutable_outputs())["found"] = Info("found", tensorflow::DT_BOOL);
  (*response->mutable_metadata())["signature_def"].PackFrom(signatures);
  return absl::OkStatus();
}

}  // namespace example

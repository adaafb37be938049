// SPDX-License-Identifier: Apache-2.0
#ifndef EXAMPLE_LOOKUP_TABLE_H_
#define EXAMPLE_LOOKUP_TABLE_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tensorflow_serving/apis/get_model_metadata.pb.h"
#include "tensorflow_serving/apis/predict.pb.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/servables/servable.h"

namespace example {

// A table of strings. Predict takes a string tensor `keys` of any shape and gives `values`, with
// empty strings for unknown keys, and `found`, both of that shape.
class LookupTable final : public tensorflow::serving::Servable {
 public:
  // Lines of "KEY<tab>VALUE".
  static absl::StatusOr<std::unique_ptr<LookupTable>> Parse(
      const tensorflow::serving::ServableId& id, std::string text);

  absl::Status Predict(const RunOptions& run_options,
                       const tensorflow::serving::PredictRequest& request,
                       tensorflow::serving::PredictResponse* response) override;
  absl::Status GetModelMetadata(const tensorflow::serving::GetModelMetadataRequest& request,
                                tensorflow::serving::GetModelMetadataResponse* response) override;

 private:
  LookupTable(const tensorflow::serving::ServableId& id, std::string text);

  const std::string text_;
  absl::flat_hash_map<absl::string_view, absl::string_view> values_;  // views of text_
};

}  // namespace example

#endif  // EXAMPLE_LOOKUP_TABLE_H_

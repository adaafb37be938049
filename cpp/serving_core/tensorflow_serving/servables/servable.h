// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_SERVABLES_SERVABLE_H_
#define TENSORFLOW_SERVING_SERVABLES_SERVABLE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tensorflow_serving/apis/get_model_metadata.pb.h"
#include "tensorflow_serving/apis/predict.pb.h"
#include "tensorflow_serving/core/servable_model_type.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// One loaded version of a model that is not a SavedModel, asked through the same requests: what the
// Loader of another platform hands out as `AnyPtr(static_cast<Servable*>(...))`.
//
// Units:    deadlines are absl::Time.
// Errors:   kUnimplemented for a method that the model type does not have; otherwise the servable's
//           own, which go to the client unchanged.
// Threads:  all methods are called from many threads at once.
// Lifetime: a handle keeps it while a request runs.
class Servable {
 public:
  struct RunOptions {
    // When nobody waits for the answer any more.
    absl::Time deadline = absl::InfiniteFuture();
  };

  Servable(absl::string_view name, int64_t version) : name_(name), version_(version) {}
  virtual ~Servable() = default;
  Servable(const Servable&) = delete;
  Servable& operator=(const Servable&) = delete;

  const std::string& name() const { return name_; }
  int64_t version() const { return version_; }

  // `request.model_spec()` has led here already; the answer's is filled in by the caller.
  virtual absl::Status Predict(const RunOptions& run_options, const PredictRequest& request,
                               PredictResponse* response) {
    return Unimplemented("Predict");
  }
  virtual absl::Status GetModelMetadata(const GetModelMetadataRequest& request,
                                        GetModelMetadataResponse* response) {
    return Unimplemented("GetModelMetadata");
  }

  virtual ServableModelType model_type() const { return ServableModelType::kUnspecified; }

 private:
  absl::Status Unimplemented(absl::string_view method) const;

  const std::string name_;
  const int64_t version_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SERVABLES_SERVABLE_H_

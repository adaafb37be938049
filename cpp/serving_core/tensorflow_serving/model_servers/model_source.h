// SPDX-License-Identifier: Apache-2.0
// Ours: the seam between ServerCore and what watches its models.
#ifndef TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_SOURCE_H_
#define TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_SOURCE_H_

#include "absl/status/status.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/core/source.h"
#include "tensorflow_serving/core/storage_path.h"

namespace tensorflow {
namespace serving {

// A source of storage paths that takes its models from a ModelConfigList: which of their versions
// are there, and which of those the model's version policy wants to have served.
//
// Units:    none.
// Errors:   UpdateModels: a list that the source cannot watch changes nothing.
// Threads:  UpdateModels is called by one thread at a time.
// Lifetime: as Source: no callback runs after the destructor.
class ModelSource : public Source<StoragePath> {
 public:
  // Replaces the models, before or after the callback is set. New models are looked for at once;
  // those that are gone have had their empty list sent before this returns.
  virtual absl::Status UpdateModels(const ModelConfigList& models) = 0;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_SOURCE_H_

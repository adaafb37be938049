// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_LOADER_H_
#define TENSORFLOW_SERVING_CORE_LOADER_H_

#include <memory>

#include "absl/status/status.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/core/servable_model_type.h"
#include "tensorflow_serving/core/source.h"
#include "tensorflow_serving/resources/resources.pb.h"
#include "tensorflow_serving/util/any_ptr.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// Knows how to load and unload one servable.
//
// Units:    resources as resources.proto says.
// Errors:   a failed load may be tried again on the same loader.
// Threads:  load and unload are never called concurrently; EstimateResources may be called at any
//           time.
// Lifetime: cheap to construct. Every successful load is followed by one Unload before destruction,
//           and by no further load.
class Loader {
 public:
  virtual ~Loader() = default;

  // An upper bound of what the servable needs. Works before, during and after the load, and never
  // grows. Before the load it may leave open which instance of a device is meant.
  virtual absl::Status EstimateResources(ResourceAllocation* estimate) const = 0;

  // Loads what servable() shall return.
  virtual absl::Status Load();

  struct Metadata {
    ServableId servable_id;
  };
  // What managers call. Calls Load() unless overridden.
  virtual absl::Status LoadWithMetadata(const Metadata& metadata);

  // Frees everything the load took.
  virtual void Unload() = 0;

  // Not null between a successful load and Unload(). Users get it back by its exact type.
  virtual AnyPtr servable() = 0;

  virtual ServableModelType model_type() const { return ServableModelType::kUnspecified; }
};

inline bool operator==(const Loader::Metadata& a, const Loader::Metadata& b) {
  return a.servable_id == b.servable_id;
}
inline bool operator!=(const Loader::Metadata& a, const Loader::Metadata& b) { return !(a == b); }

// A loader of servables whose resources nobody counts.
class ResourceUnsafeLoader : public Loader {
 public:
  absl::Status EstimateResources(ResourceAllocation* estimate) const final;
};

using LoaderSource = Source<std::unique_ptr<Loader>>;

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_LOADER_H_

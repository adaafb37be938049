// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/loader.h"

namespace tensorflow {
namespace serving {

absl::Status Loader::Load() { return absl::UnimplementedError("Load isn't implemented."); }

absl::Status Loader::LoadWithMetadata(const Metadata& metadata) { return Load(); }

absl::Status ResourceUnsafeLoader::EstimateResources(ResourceAllocation* estimate) const {
  estimate->Clear();
  return absl::OkStatus();
}

}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/prefix_storage_path_source_adapter.h"

#include "tensorflow/core/platform/path.h"

namespace tensorflow {
namespace serving {

PrefixStoragePathSourceAdapter::PrefixStoragePathSourceAdapter(const std::string& prefix)
    : prefix_(prefix) {}

PrefixStoragePathSourceAdapter::~PrefixStoragePathSourceAdapter() { Detach(); }

absl::Status PrefixStoragePathSourceAdapter::Convert(const StoragePath& source,
                                                     StoragePath* destination) {
  *destination = io::JoinPath(prefix_, source);
  return absl::OkStatus();
}

}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/sources/storage_path/static_storage_path_source.h"

#include "absl/strings/str_cat.h"

namespace tensorflow {
namespace serving {

absl::Status StaticStoragePathSource::Create(const StaticStoragePathSourceConfig& config,
                                             std::unique_ptr<StaticStoragePathSource>* result) {
  if (config.version_num() < 0) {
    return absl::InvalidArgumentError(absl::StrCat("Servable ", config.servable_name(),
                                                   ": version_num is ", config.version_num(),
                                                   "; versions are 0 or more"));
  }
  result->reset(new StaticStoragePathSource(config));
  return absl::OkStatus();
}

void StaticStoragePathSource::SetAspiredVersionsCallback(AspiredVersionsCallback callback) {
  const ServableId id{config_.servable_name(), config_.version_num()};
  callback(config_.servable_name(), {CreateServableData(id, config_.version_path())});
}

}  // namespace serving
}  // namespace tensorflow

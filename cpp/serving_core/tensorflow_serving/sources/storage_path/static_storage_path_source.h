// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_STATIC_STORAGE_PATH_SOURCE_H_
#define TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_STATIC_STORAGE_PATH_SOURCE_H_

#include <memory>

#include "absl/status/status.h"
#include "tensorflow_serving/core/source.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tensorflow_serving/sources/storage_path/static_storage_path_source.pb.h"

namespace tensorflow {
namespace serving {

// Aspires to one version at one path, for ever.
//
// Units:    none.
// Errors:   Create: kInvalidArgument for a negative version. The path is not looked at.
// Threads:  calls back once, from inside SetAspiredVersionsCallback.
// Lifetime: keeps no callback.
class StaticStoragePathSource : public Source<StoragePath> {
 public:
  static absl::Status Create(const StaticStoragePathSourceConfig& config,
                             std::unique_ptr<StaticStoragePathSource>* result);
  ~StaticStoragePathSource() override = default;

  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override;

 private:
  explicit StaticStoragePathSource(const StaticStoragePathSourceConfig& config) : config_(config) {}

  const StaticStoragePathSourceConfig config_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_STATIC_STORAGE_PATH_SOURCE_H_

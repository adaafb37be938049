// SPDX-License-Identifier: Apache-2.0
// Ours: what ServerCore watches models with unless it is told otherwise.
#ifndef TENSORFLOW_SERVING_MODEL_SERVERS_FILE_SYSTEM_MODEL_SOURCE_H_
#define TENSORFLOW_SERVING_MODEL_SERVERS_FILE_SYSTEM_MODEL_SOURCE_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/model_servers/model_source.h"
#include "tensorflow_serving/sources/storage_path/file_system_storage_path_source.h"

namespace tensorflow {
namespace serving {

// Polls the base paths of models through FileSystemStoragePathSource.
//
// Units:    seconds.
// Errors:   as FileSystemStoragePathSource.
// Threads:  as ModelSource.
// Lifetime: as ModelSource.
class FileSystemModelSource final : public ModelSource {
 public:
  // As the fields of FileSystemStoragePathSourceConfig.
  struct Options {
    int64_t file_system_poll_wait_seconds = 0;
    bool fail_if_zero_versions_at_startup = false;
    bool servable_versions_always_present = false;
  };
  static absl::Status Create(const Options& options, std::unique_ptr<ModelSource>* source);
  ~FileSystemModelSource() override;

  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override;
  absl::Status UpdateModels(const ModelConfigList& models) override;

 private:
  FileSystemModelSource(const Options& options,
                        std::unique_ptr<FileSystemStoragePathSource> source);

  const Options options_;
  const std::unique_ptr<FileSystemStoragePathSource> source_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_MODEL_SERVERS_FILE_SYSTEM_MODEL_SOURCE_H_

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/model_servers/file_system_model_source.h"

#include <utility>

#include "tensorflow_serving/config/file_system_storage_path_source.pb.h"

namespace tensorflow {
namespace serving {
namespace {

FileSystemStoragePathSourceConfig ToSourceConfig(const FileSystemModelSource::Options& options,
                                                 const ModelConfigList& models) {
  FileSystemStoragePathSourceConfig config;
  config.set_file_system_poll_wait_seconds(options.file_system_poll_wait_seconds);
// Deprecated, and still an option of ServerCore.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  config.set_fail_if_zero_versions_at_startup(options.fail_if_zero_versions_at_startup);
#pragma GCC diagnostic pop
  config.set_servable_versions_always_present(options.servable_versions_always_present);
  for (const ModelConfig& model : models.config()) {
    auto* const servable = config.add_servables();
    servable->set_servable_name(model.name());
    servable->set_base_path(model.base_path());
    *servable->mutable_servable_version_policy() = model.model_version_policy();
  }
  return config;
}

}  // namespace

absl::Status FileSystemModelSource::Create(const Options& options,
                                           std::unique_ptr<ModelSource>* source) {
  std::unique_ptr<FileSystemStoragePathSource> polls;
  const absl::Status status =
      FileSystemStoragePathSource::Create(ToSourceConfig(options, ModelConfigList()), &polls);
  if (!status.ok()) return status;
  source->reset(new FileSystemModelSource(options, std::move(polls)));
  return absl::OkStatus();
}

FileSystemModelSource::FileSystemModelSource(const Options& options,
                                             std::unique_ptr<FileSystemStoragePathSource> source)
    : options_(options), source_(std::move(source)) {}

FileSystemModelSource::~FileSystemModelSource() = default;

void FileSystemModelSource::SetAspiredVersionsCallback(AspiredVersionsCallback callback) {
  source_->SetAspiredVersionsCallback(std::move(callback));
}

absl::Status FileSystemModelSource::UpdateModels(const ModelConfigList& models) {
  return source_->UpdateConfig(ToSourceConfig(options_, models));
}

}  // namespace serving
}  // namespace tensorflow

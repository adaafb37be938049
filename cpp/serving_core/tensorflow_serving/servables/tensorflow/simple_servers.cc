// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/tensorflow/simple_servers.h"

#include <utility>

#include "tensorflow_serving/config/file_system_storage_path_source.pb.h"
#include "tensorflow_serving/core/aspired_versions_manager_builder.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/servables/tensorflow/saved_model_bundle_source_adapter.h"
#include "tensorflow_serving/sources/storage_path/file_system_storage_path_source.h"

namespace tensorflow {
namespace serving {
namespace simple_servers {
namespace {

absl::Status CreateSource(const std::string& base_path,
                          std::unique_ptr<FileSystemStoragePathSource>* source) {
  FileSystemStoragePathSourceConfig config;
  config.set_file_system_poll_wait_seconds(1);
  auto* const servable = config.add_servables();
  servable->set_servable_name("default");
  servable->set_base_path(base_path);
  return FileSystemStoragePathSource::Create(config, source);
}

}  // namespace

absl::Status CreateSingleTFModelManagerFromBasePath(const std::string& base_path,
                                                    std::unique_ptr<Manager>* manager) {
  if (base_path.empty()) return absl::InvalidArgumentError("The base path is empty");
  std::unique_ptr<FileSystemStoragePathSource> source;
  absl::Status status = CreateSource(base_path, &source);
  if (!status.ok()) return status;

  std::unique_ptr<SavedModelBundleSourceAdapter> adapter;
  status = SavedModelBundleSourceAdapter::Create(SavedModelBundleSourceAdapterConfig(), &adapter);
  if (!status.ok()) return status;

  AspiredVersionsManagerBuilder::Options options;
  options.aspired_version_policy = std::make_unique<AvailabilityPreservingPolicy>();
  std::unique_ptr<AspiredVersionsManagerBuilder> builder;
  status = AspiredVersionsManagerBuilder::Create(std::move(options), &builder);
  if (!status.ok()) return status;
  builder->AddSourceChain(std::move(source), std::move(adapter));
  *manager = builder->Build();
  return absl::OkStatus();
}

}  // namespace simple_servers
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/model_servers/model_topology.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/target.h"
#include "tensorflow_serving/model_servers/file_system_model_source.h"

namespace tensorflow {
namespace serving {
namespace internal {
namespace {

absl::Status CreateAdapter(const ServerCore::Options& options, const std::string& platform,
                           const ::google::protobuf::Any& config,
                           std::unique_ptr<StoragePathSourceAdapter>* adapter) {
  const absl::Status status =
      options.source_adapter_creator
          ? options.source_adapter_creator(platform, config, adapter)
          : StoragePathSourceAdapterRegistry::CreateFromAny(config, adapter);
  if (!status.ok()) {
    return absl::Status(status.code(), absl::StrCat("Platform ", platform, ": ", status.message()));
  }
  if (*adapter != nullptr) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("No source adapter was made for platform ", platform));
}

}  // namespace

absl::Status ModelTopology::Create(const ServerCore::Options& options,
                                   std::unique_ptr<ModelTopology>* topology) {
  std::unique_ptr<ModelTopology> created(new ModelTopology);
  absl::Status status = created->CreateAdapters(options);
  if (!status.ok()) return status;
  status = Router::Create(static_cast<int>(created->adapters_.size()), {}, &created->router_);
  if (!status.ok()) return status;
  if (!options.storage_path_prefix.empty()) {
    created->prefix_ =
        std::make_unique<PrefixStoragePathSourceAdapter>(options.storage_path_prefix);
  }
  if (status = created->CreateSource(options); !status.ok()) return status;
  *topology = std::move(created);
  return absl::OkStatus();
}

absl::Status ModelTopology::CreateAdapters(const ServerCore::Options& options) {
  // Sorted, so that a port's number does not depend on a hash.
  std::map<std::string, const PlatformConfig*> platforms;
  for (const auto& [platform, config] : options.platform_config_map.platform_configs()) {
    platforms[platform] = &config;
  }
  for (const auto& [platform, config] : platforms) {
    std::unique_ptr<StoragePathSourceAdapter> adapter;
    const absl::Status status =
        CreateAdapter(options, platform, config->source_adapter_config(), &adapter);
    if (!status.ok()) return status;
    port_of_platform_[platform] = static_cast<int>(adapters_.size());
    adapters_.push_back(std::move(adapter));
  }
  adapters_.push_back(
      std::make_unique<ErrorInjectingSourceAdapter<StoragePath, std::unique_ptr<Loader>>>(
          absl::InternalError("No platform found for model")));
  return absl::OkStatus();
}

absl::Status ModelTopology::CreateSource(const ServerCore::Options& options) {
  const absl::Status status =
      options.model_source_creator
          ? options.model_source_creator(&source_)
          : FileSystemModelSource::Create(
                {options.file_system_poll_wait_seconds, options.fail_if_no_model_versions_found,
                 options.servable_versions_always_present},
                &source_);
  if (!status.ok() || source_ != nullptr) return status;
  return absl::InternalError("model_source_creator has made no source");
}

ModelTopology::Router::Routes ModelTopology::RoutesOf(const ModelConfigList& models) const {
  Router::Routes routes;
  for (const ModelConfig& model : models.config()) {
    const auto port = port_of_platform_.find(model.model_platform());
    if (port != port_of_platform_.end()) routes[model.name()] = port->second;
  }
  return routes;
}

absl::Status ModelTopology::Update(const ModelConfigList& models) {
  const Router::Routes before = router_->GetRoutes();
  const Router::Routes after = RoutesOf(models);
  // Models that go are told so through the routes they came by.
  Router::Routes meanwhile = after;
  meanwhile.insert(before.begin(), before.end());
  absl::Status status = router_->UpdateRoutes(meanwhile);
  if (!status.ok()) return status;
  status = source_->UpdateModels(models);
  const absl::Status trimmed = router_->UpdateRoutes(status.ok() ? after : before);
  return status.ok() ? trimmed : status;
}

void ModelTopology::Connect(AspiredVersionsManager* manager) {
  // From the sink upward, so that nothing waits for what is not connected yet.
  for (const auto& adapter : adapters_) {
    ConnectSourceToTarget<std::unique_ptr<Loader>>(adapter.get(), manager);
  }
  const std::vector<Source<StoragePath>*> ports = router_->GetOutputPorts();
  for (size_t i = 0; i < ports.size(); ++i) {
    ConnectSourceToTarget<StoragePath>(ports[i], adapters_[i].get());
  }
  Target<StoragePath>* first = router_.get();
  if (prefix_ != nullptr) {
    ConnectSourceToTarget<StoragePath>(prefix_.get(), router_.get());
    first = prefix_.get();
  }
  ConnectSourceToTarget<StoragePath>(source_.get(), first);
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

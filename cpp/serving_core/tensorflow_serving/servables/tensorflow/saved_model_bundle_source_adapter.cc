// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/tensorflow/saved_model_bundle_source_adapter.h"

#include <cstdint>
#include <utility>

#include "tensorflow_serving/core/simple_loader.h"
#include "tensorflow_serving/servables/tensorflow/saved_model_bundle_factory.h"

namespace tensorflow {
namespace serving {
namespace {

using BundleLoader = SimpleLoader<SavedModelBundle>;
using SharedFactory = std::shared_ptr<SavedModelBundleFactory>;

BundleLoader::CreatorVariant MakeCreator(SharedFactory factory, const StoragePath& path) {
  if (factory->config().enable_session_metadata()) {
    return BundleLoader::CreatorWithMetadata(
        [factory = std::move(factory), path](const Loader::Metadata& metadata,
                                             std::unique_ptr<SavedModelBundle>* bundle) {
          return factory->CreateSavedModelBundleWithMetadata(metadata, path, bundle);
        });
  }
  return BundleLoader::Creator(
      [factory = std::move(factory), path](std::unique_ptr<SavedModelBundle>* bundle) {
        return factory->CreateSavedModelBundle(path, bundle);
      });
}

BundleLoader::ResourceEstimator EstimateLoaded(SharedFactory factory, const StoragePath& path) {
  return [factory = std::move(factory), path](ResourceAllocation* estimate) {
    return factory->EstimateResourceRequirement(path, estimate);
  };
}

// What the servable needs and what its load needs beyond that.
BundleLoader::ResourceEstimator EstimateLoading(const SharedFactory& factory,
                                                const StoragePath& path) {
  const uint64_t transient = factory->config().experimental_transient_ram_bytes_during_load();
  return [loaded = EstimateLoaded(factory, path), transient](ResourceAllocation* estimate) {
    absl::Status status = loaded(estimate);
    if (!status.ok()) return status;
    ResourceAllocation::Entry* const ram = estimate->mutable_resource_quantities(0);
    ram->set_quantity(ram->quantity() + transient);
    return absl::OkStatus();
  };
}

}  // namespace

absl::Status SavedModelBundleSourceAdapter::Create(
    const SavedModelBundleSourceAdapterConfig& config,
    std::unique_ptr<SavedModelBundleSourceAdapter>* adapter) {
  std::unique_ptr<SavedModelBundleFactory> factory;
  absl::Status status = SavedModelBundleFactory::Create(config.legacy_config(), &factory);
  if (status.ok()) adapter->reset(new SavedModelBundleSourceAdapter(std::move(factory)));
  return status;
}

absl::Status SavedModelBundleSourceAdapter::Create(
    const SavedModelBundleSourceAdapterConfig& config,
    std::unique_ptr<StoragePathSourceAdapter>* adapter) {
  std::unique_ptr<SavedModelBundleSourceAdapter> made;
  absl::Status status = Create(config, &made);
  if (status.ok()) *adapter = std::move(made);
  return status;
}

SavedModelBundleSourceAdapter::SavedModelBundleSourceAdapter(
    std::unique_ptr<SavedModelBundleFactory> factory)
    : factory_(std::move(factory)) {}

SavedModelBundleSourceAdapter::~SavedModelBundleSourceAdapter() { Detach(); }

absl::Status SavedModelBundleSourceAdapter::Convert(const StoragePath& path,
                                                    std::unique_ptr<Loader>* loader) {
  absl::optional<BundleLoader::ResourceEstimator> after_load;
  if (factory_->config().experimental_transient_ram_bytes_during_load() > 0) {
    after_load = EstimateLoaded(factory_, path);
  }
  *loader = std::make_unique<BundleLoader>(MakeCreator(factory_, path),
                                           EstimateLoading(factory_, path), std::move(after_load));
  return absl::OkStatus();
}

REGISTER_STORAGE_PATH_SOURCE_ADAPTER(SavedModelBundleSourceAdapter,
                                     SavedModelBundleSourceAdapterConfig)

}  // namespace serving
}  // namespace tensorflow

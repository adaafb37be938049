// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SAVED_MODEL_BUNDLE_SOURCE_ADAPTER_H_
#define TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SAVED_MODEL_BUNDLE_SOURCE_ADAPTER_H_

#include <memory>

#include "absl/status/status.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tensorflow_serving/servables/tensorflow/saved_model_bundle_source_adapter.pb.h"

namespace tensorflow {
namespace serving {

class SavedModelBundleFactory;

// Turns the folder of a version into a loader of a tensorflow::SavedModelBundle. Registered for
// SavedModelBundleSourceAdapterConfig: the platform "tensorflow".
//
// Units:    as SavedModelBundleFactory.
// Errors:   as SavedModelBundleFactory; also kNotFound from a loader's estimate if the folder is
//           not there.
// Threads:  as SourceAdapter. Loads of different versions run side by side.
// Lifetime: as SourceAdapter.
class SavedModelBundleSourceAdapter final
    : public UnarySourceAdapter<StoragePath, std::unique_ptr<Loader>> {
 public:
  static absl::Status Create(const SavedModelBundleSourceAdapterConfig& config,
                             std::unique_ptr<SavedModelBundleSourceAdapter>* adapter);
  // For StoragePathSourceAdapterRegistry.
  static absl::Status Create(const SavedModelBundleSourceAdapterConfig& config,
                             std::unique_ptr<StoragePathSourceAdapter>* adapter);
  ~SavedModelBundleSourceAdapter() override;

 private:
  explicit SavedModelBundleSourceAdapter(std::unique_ptr<SavedModelBundleFactory> factory);

  absl::Status Convert(const StoragePath& path, std::unique_ptr<Loader>* loader) override;

  // Shared with the loaders, which may live longer.
  const std::shared_ptr<SavedModelBundleFactory> factory_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SAVED_MODEL_BUNDLE_SOURCE_ADAPTER_H_

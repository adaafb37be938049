// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/streaming_saved_model_adapter.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow/core/platform/env.h"

namespace tfserving_remote {

namespace tfs = ::tensorflow::serving;

namespace {

absl::Status CheckIsSavedModel(const std::string& folder) {
  for (const char* name : {"saved_model.pb", "saved_model.pbtxt", "saved_model.cpb"}) {
    const absl::Status found =
        tensorflow::Env::Default()->FileExists(absl::StrCat(folder, "/", name));
    if (!absl::IsNotFound(found)) return found;
  }
  return absl::NotFoundError(absl::StrCat(
      "Specified file path does not appear to contain a SavedModel bundle (should have a file "
      "called `saved_model.pb`)\nSpecified file path: ",
      folder));
}

// A SavedModel in a folder of any TensorFlow file system.
class SavedModelLoader final : public tfs::ResourceUnsafeLoader {
 public:
  using Options = StreamingSavedModelAdapterOptions;

  SavedModelLoader(std::string folder, std::shared_ptr<const Options> options)
      : folder_(std::move(folder)), options_(std::move(options)) {}

  absl::Status LoadWithMetadata(const Metadata& metadata) override {
    if (absl::Status found = CheckIsSavedModel(folder_); !found.ok()) return found;
    auto bundle = std::make_unique<tensorflow::SavedModelBundle>();
    absl::Status status = tensorflow::LoadSavedModel(options_->session, options_->run, folder_,
                                                     options_->tags, bundle.get());
    if (status.ok() && options_->after_load) {
      status = options_->after_load(metadata, folder_, *bundle);
    }
    if (status.ok()) bundle_ = std::move(bundle);
    return status;
  }
  void Unload() override { bundle_.reset(); }
  tfs::AnyPtr servable() override { return {bundle_.get()}; }
  tfs::ServableModelType model_type() const override { return tfs::ServableModelType::kTensorflow; }

 private:
  const std::string folder_;
  const std::shared_ptr<const Options> options_;
  std::unique_ptr<tensorflow::SavedModelBundle> bundle_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<StreamingSavedModelAdapter>> StreamingSavedModelAdapter::Create(
    StreamingSavedModelAdapterOptions options) {
  if (absl::Status valid = options.Validate(); !valid.ok()) return valid;
  auto shared = std::make_shared<const StreamingSavedModelAdapterOptions>(std::move(options));
  return std::unique_ptr<StreamingSavedModelAdapter>(new StreamingSavedModelAdapter(
      *shared,
      [shared](const tfs::ServableId&,
               const std::string& folder) -> absl::StatusOr<std::unique_ptr<tfs::Loader>> {
        return std::make_unique<SavedModelLoader>(folder, shared);
      }));
}

}  // namespace tfserving_remote

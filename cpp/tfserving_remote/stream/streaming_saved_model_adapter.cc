// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/streaming_saved_model_adapter.h"

#include <type_traits>
#include <utility>

#include "tfserving_remote/base/storage_url.h"
#include "tfserving_remote/stream/streaming_loader.h"

namespace tfserving_remote {

namespace tfs = ::tensorflow::serving;
static_assert(std::is_same<tfs::StoragePath, std::string>::value, "storage_path.h drifted");

absl::Status StreamingSavedModelAdapterOptions::Validate() const {
  if (stores == nullptr) return absl::InvalidArgumentError("stores is not set");
  if (transfers == nullptr) return absl::InvalidArgumentError("transfers is not set");
  if (log == nullptr || clock == nullptr) {
    return absl::InvalidArgumentError("log and clock must not be null");
  }
  if (!(ram_factor >= 1)) return absl::InvalidArgumentError("ram_factor must be at least 1");
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<StreamingSavedModelAdapter>> StreamingSavedModelAdapter::Create(
    StreamingSavedModelAdapterOptions options) {
  if (absl::Status valid = options.Validate(); !valid.ok()) return valid;
  return std::unique_ptr<StreamingSavedModelAdapter>(
      new StreamingSavedModelAdapter(std::move(options)));
}

StreamingSavedModelAdapter::StreamingSavedModelAdapter(StreamingSavedModelAdapterOptions options)
    : options_(std::make_shared<const StreamingSavedModelAdapterOptions>(std::move(options))),
      cancellation_(std::make_shared<Cancellation>()) {}

StreamingSavedModelAdapter::~StreamingSavedModelAdapter() {
  Detach();
  cancellation_->Cancel();
}

absl::Status StreamingSavedModelAdapter::Convert(const tfs::StoragePath& path,
                                                 std::unique_ptr<tfs::Loader>* loader) {
  absl::StatusOr<StorageUrl> url = StorageUrl::Parse(path);
  if (!url.ok()) return url.status();
  *loader = std::make_unique<StreamingLoader>(*std::move(url), options_, cancellation_);
  return absl::OkStatus();
}

}  // namespace tfserving_remote

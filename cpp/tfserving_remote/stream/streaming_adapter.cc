// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/streaming_adapter.h"

#include <type_traits>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tfserving_remote/base/storage_url.h"
#include "tfserving_remote/stream/streaming_loader.h"

namespace tfserving_remote {

namespace tfs = ::tensorflow::serving;
static_assert(std::is_same<tfs::StoragePath, std::string>::value, "storage_path.h drifted");

namespace {

// Adapters are asked by one thread at a time, loaders by many.
struct SerialisedAdapter {
  explicit SerialisedAdapter(std::unique_ptr<tfs::StoragePathSourceAdapter> wrapped)
      : adapter(std::move(wrapped)) {}

  absl::StatusOr<std::unique_ptr<tfs::Loader>> MakeLoader(const tfs::ServableId& id,
                                                          const std::string& folder) {
    absl::MutexLock lock(&mu);
    tfs::ServableData<std::unique_ptr<tfs::Loader>> made =
        adapter->AdaptOneVersion(tfs::CreateServableData<tfs::StoragePath>(id, folder));
    if (!made.status().ok()) return made.status();
    return made.ConsumeDataOrDie();
  }

  absl::Mutex mu;
  const std::unique_ptr<tfs::StoragePathSourceAdapter> adapter ABSL_PT_GUARDED_BY(mu);
};

}  // namespace

absl::Status StreamingOptions::Validate() const {
  if (stores == nullptr) return absl::InvalidArgumentError("stores is not set");
  if (transfers == nullptr) return absl::InvalidArgumentError("transfers is not set");
  if (log == nullptr || clock == nullptr) {
    return absl::InvalidArgumentError("log and clock must not be null");
  }
  if (!(ram_factor >= 1)) return absl::InvalidArgumentError("ram_factor must be at least 1");
  return absl::OkStatus();
}

StreamingAdapter::StreamingAdapter(StreamingOptions options,
                                   FolderLoaderCreator create_folder_loader)
    : options_(std::make_shared<const StreamingOptions>(std::move(options))),
      create_folder_loader_(
          std::make_shared<const FolderLoaderCreator>(std::move(create_folder_loader))),
      cancellation_(std::make_shared<Cancellation>()) {}

StreamingAdapter::~StreamingAdapter() = default;

void StreamingAdapter::Stop() {
  Detach();
  cancellation_->Cancel();
}

absl::Status StreamingAdapter::Convert(const tfs::StoragePath& path,
                                       std::unique_ptr<tfs::Loader>* loader) {
  absl::StatusOr<StorageUrl> url = StorageUrl::Parse(path);
  if (!url.ok()) return url.status();
  *loader = std::make_unique<StreamingLoader>(*std::move(url), options_, create_folder_loader_,
                                              cancellation_);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<StreamingPlatformAdapter>> StreamingPlatformAdapter::Create(
    StreamingOptions options, std::unique_ptr<tfs::StoragePathSourceAdapter> inner) {
  if (absl::Status valid = options.Validate(); !valid.ok()) return valid;
  if (inner == nullptr) return absl::InvalidArgumentError("inner is not set");
  auto shared = std::make_shared<SerialisedAdapter>(std::move(inner));
  return std::unique_ptr<StreamingPlatformAdapter>(new StreamingPlatformAdapter(
      std::move(options), [shared](const tfs::ServableId& id, const std::string& folder) {
        return shared->MakeLoader(id, folder);
      }));
}

}  // namespace tfserving_remote

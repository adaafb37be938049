// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_STREAMING_LOADER_H_
#define TFSERVING_REMOTE_STREAM_STREAMING_LOADER_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tfserving_remote/base/storage_url.h"
#include "tfserving_remote/stream/remote_file_system.h"
#include "tfserving_remote/stream/streaming_adapter.h"

namespace tfserving_remote {

/// Loads one version, straight out of its store, with the loader of the folder that it is mounted
/// at. Made by StreamingAdapter.
///
/// Units:    as StreamingAdapter.
/// Errors:   as StreamingAdapter. EstimateResources never fails: a manager would give a
///           version up whose estimate failed, without a load whose failure the ledger can keep.
///           Instead it says nothing is needed, and the load that follows fails with the reason.
/// Threads:  as Loader.
/// Lifetime: as Loader.
class StreamingLoader final : public tensorflow::serving::Loader {
 public:
  StreamingLoader(StorageUrl url, std::shared_ptr<const StreamingOptions> options,
                  std::shared_ptr<const FolderLoaderCreator> create_folder_loader,
                  std::shared_ptr<Cancellation> cancellation);

  absl::Status EstimateResources(tensorflow::serving::ResourceAllocation* estimate) const override;
  absl::Status LoadWithMetadata(const Metadata& metadata) override;
  void Unload() override;
  tensorflow::serving::AnyPtr servable() override;
  tensorflow::serving::ServableModelType model_type() const override;

 private:
  // What the estimate learnt, for the load to go on with.
  struct Opened {
    bool tried = false;
    absl::Status status;
    std::string fingerprint;
    std::shared_ptr<VersionReader> reader;
    std::optional<uint64_t> ram;
  };

  absl::StatusOr<std::shared_ptr<VersionReader>> Open(absl::Time deadline,
                                                      std::string& fingerprint) const;
  absl::StatusOr<std::shared_ptr<VersionReader>> TakeReader(std::string& fingerprint);
  uint64_t RamOf(const VersionReader& reader) const;
  absl::Status Load(const Metadata& metadata, std::shared_ptr<VersionReader> reader);
  absl::Status LoadFolder(const Metadata& metadata, VersionReader& reader);
  void LogLoaded(const Metadata& metadata, const StreamStats& stats, absl::Duration took) const;
  absl::Status Finish(const Metadata& metadata, const absl::Status& status,
                      const std::string& fingerprint);

  // Constant after construction.
  const StorageUrl url_;
  const std::shared_ptr<const StreamingOptions> options_;
  const std::shared_ptr<const FolderLoaderCreator> create_folder_loader_;
  const std::shared_ptr<Cancellation> cancellation_;

  // Of the thread that loads and unloads. Died from the end: the servable before the mount.
  std::shared_ptr<VersionReader> reader_;
  std::unique_ptr<Mount> mount_;
  /// Null unless it has loaded.
  std::unique_ptr<tensorflow::serving::Loader> folder_loader_;

  // Guarded by mu_.
  mutable absl::Mutex mu_;
  mutable Opened opened_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_STREAMING_LOADER_H_

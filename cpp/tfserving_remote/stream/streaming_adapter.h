// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_STREAMING_ADAPTER_H_
#define TFSERVING_REMOTE_STREAM_STREAMING_ADAPTER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tfserving_remote/base/cancellation.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/store/store_opener.h"
#include "tfserving_remote/stream/load_ledger.h"
#include "tfserving_remote/stream/transfer_pool.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tfserving_remote {

/// What streaming a version takes, whatever kind of model it holds.
struct StreamingOptions {
  std::shared_ptr<StoreOpener> stores;
  std::shared_ptr<TransferPool> transfers;
  /// May be null.
  std::shared_ptr<LoadLedger> ledger;
  VersionReaderOptions reader;
  /// RAM that a load needs beyond what it keeps, by the rule of TensorFlow Serving: the files' size
  /// times this is the estimate.
  double ram_factor = 1.2;
  /// How long a manager may be kept waiting for the size of a version. Past it, the load itself
  /// finds out what is wrong with the store.
  absl::Duration estimate_timeout = absl::Seconds(10);
  /// Borrowed; both outlive the adapter and its loaders.
  LogSink* log = &LogSink::Null();
  Clock* clock = &Clock::Real();

  absl::Status Validate() const;
};

/// Makes the loader of a version out of the folder under `remote://` where it is mounted. That
/// loader reads through tensorflow::Env, and must not read any more once it is unloaded.
using FolderLoaderCreator =
    std::function<absl::StatusOr<std::unique_ptr<tensorflow::serving::Loader>>(
        const tensorflow::serving::ServableId& id, const std::string& folder)>;

/// Turns the URL of a version (`s3://bucket/model/3`, `/models/m/7.tar.gz`) into a loader that
/// streams it: the files are mounted while they arrive, and what kind of model they are is up to
/// the loader of that folder.
///
/// Units:    RAM estimates are bytes of main/ram_in_bytes.
/// Errors:   a path that is no URL becomes an error item. A load fails with what the store or the
///           manifest said in front of what the folder's loader made of it.
/// Threads:  as SourceAdapter. Loads of different versions run side by side.
/// Lifetime: loaders may outlive the adapter; its destruction cancels loads in progress, while
///           versions that are loaded stay.
class StreamingAdapter
    : public tensorflow::serving::UnarySourceAdapter<tensorflow::serving::StoragePath,
                                                     std::unique_ptr<tensorflow::serving::Loader>> {
 protected:
  StreamingAdapter(StreamingOptions options, FolderLoaderCreator create_folder_loader);
  ~StreamingAdapter() override;

  /// First thing in the destructor of the leaf.
  void Stop();

 private:
  absl::Status Convert(const tensorflow::serving::StoragePath& path,
                       std::unique_ptr<tensorflow::serving::Loader>* loader) override;

  // Shared with the loaders, which may live longer.
  const std::shared_ptr<const StreamingOptions> options_;
  const std::shared_ptr<const FolderLoaderCreator> create_folder_loader_;
  const std::shared_ptr<Cancellation> cancellation_;
};

/// Streams versions of any model type: `inner` is what would load them from a local folder.
class StreamingPlatformAdapter final : public StreamingAdapter {
 public:
  static absl::StatusOr<std::unique_ptr<StreamingPlatformAdapter>> Create(
      StreamingOptions options,
      std::unique_ptr<tensorflow::serving::StoragePathSourceAdapter> inner);
  ~StreamingPlatformAdapter() override { Stop(); }

 private:
  using StreamingAdapter::StreamingAdapter;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_STREAMING_ADAPTER_H_

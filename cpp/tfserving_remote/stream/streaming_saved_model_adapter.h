// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_STREAMING_SAVED_MODEL_ADAPTER_H_
#define TFSERVING_REMOTE_STREAM_STREAMING_SAVED_MODEL_ADAPTER_H_

#include <functional>
#include <memory>
#include <string>
#include <unordered_set>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tensorflow/core/protobuf/config.pb.h"
#include "tensorflow/core/public/session_options.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tfserving_remote/base/cancellation.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/store/store_opener.h"
#include "tfserving_remote/stream/load_ledger.h"
#include "tfserving_remote/stream/transfer_pool.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tensorflow {
struct SavedModelBundle;
}  // namespace tensorflow

namespace tfserving_remote {

struct StreamingSavedModelAdapterOptions {
  std::shared_ptr<StoreOpener> stores;
  std::shared_ptr<TransferPool> transfers;
  /// May be null.
  std::shared_ptr<LoadLedger> ledger;
  VersionReaderOptions reader;
  tensorflow::SessionOptions session;
  tensorflow::RunOptions run;
  std::unordered_set<std::string> tags = {"serve"};
  /// RAM that a load needs beyond what it keeps, by the rule of TensorFlow Serving: the files' size
  /// times this is the estimate.
  double ram_factor = 1.2;
  /// How long a manager may be kept waiting for the size of a version. Past it, the load itself
  /// finds out what is wrong with the store.
  absl::Duration estimate_timeout = absl::Seconds(10);
  /// Called on the loading thread with a bundle that was just loaded and the folder it came from:
  /// the place for warm-up and for wrapping the session. A failure fails the load. May be empty.
  std::function<absl::Status(const tensorflow::serving::Loader::Metadata& metadata,
                             const std::string& export_dir, tensorflow::SavedModelBundle& bundle)>
      after_load;
  /// Borrowed; both outlive the adapter and its loaders.
  LogSink* log = &LogSink::Null();
  Clock* clock = &Clock::Real();

  absl::Status Validate() const;
};

/// Turns the URL of a version (`s3://bucket/model/3`, `/models/m/7.tar.gz`) into a loader of a
/// tensorflow::SavedModelBundle that streams it.
///
/// Units:    RAM estimates are bytes of main/ram_in_bytes.
/// Errors:   a path that is no URL becomes an error item. A load fails with what the store or the
///           manifest said in front of what TensorFlow made of it.
/// Threads:  as SourceAdapter. Loads of different versions run side by side.
/// Lifetime: loaders may outlive the adapter; its destruction cancels loads in progress, while
///           versions that are loaded stay.
class StreamingSavedModelAdapter final
    : public tensorflow::serving::UnarySourceAdapter<tensorflow::serving::StoragePath,
                                                     std::unique_ptr<tensorflow::serving::Loader>> {
 public:
  static absl::StatusOr<std::unique_ptr<StreamingSavedModelAdapter>> Create(
      StreamingSavedModelAdapterOptions options);
  ~StreamingSavedModelAdapter() override;

 private:
  explicit StreamingSavedModelAdapter(StreamingSavedModelAdapterOptions options);

  absl::Status Convert(const tensorflow::serving::StoragePath& path,
                       std::unique_ptr<tensorflow::serving::Loader>* loader) override;

  // Shared with the loaders, which may live longer.
  const std::shared_ptr<const StreamingSavedModelAdapterOptions> options_;
  const std::shared_ptr<Cancellation> cancellation_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_STREAMING_SAVED_MODEL_ADAPTER_H_

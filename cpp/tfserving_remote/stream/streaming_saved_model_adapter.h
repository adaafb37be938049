// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_STREAMING_SAVED_MODEL_ADAPTER_H_
#define TFSERVING_REMOTE_STREAM_STREAMING_SAVED_MODEL_ADAPTER_H_

#include <functional>
#include <memory>
#include <string>
#include <unordered_set>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tensorflow/core/protobuf/config.pb.h"
#include "tensorflow/core/public/session_options.h"
#include "tfserving_remote/stream/streaming_adapter.h"

namespace tensorflow {
struct SavedModelBundle;
}  // namespace tensorflow

namespace tfserving_remote {

struct StreamingSavedModelAdapterOptions : StreamingOptions {
  tensorflow::SessionOptions session;
  tensorflow::RunOptions run;
  std::unordered_set<std::string> tags = {"serve"};
  /// Called on the loading thread with a bundle that was just loaded and the folder it came from:
  /// the place for warm-up and for wrapping the session. A failure fails the load. May be empty.
  std::function<absl::Status(const tensorflow::serving::Loader::Metadata& metadata,
                             const std::string& export_dir, tensorflow::SavedModelBundle& bundle)>
      after_load;
};

/// Streams SavedModels: the loaders' servable is a tensorflow::SavedModelBundle.
class StreamingSavedModelAdapter final : public StreamingAdapter {
 public:
  static absl::StatusOr<std::unique_ptr<StreamingSavedModelAdapter>> Create(
      StreamingSavedModelAdapterOptions options);
  ~StreamingSavedModelAdapter() override { Stop(); }

 private:
  using StreamingAdapter::StreamingAdapter;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_STREAMING_SAVED_MODEL_ADAPTER_H_

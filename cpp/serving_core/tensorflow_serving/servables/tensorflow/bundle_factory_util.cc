// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/tensorflow/bundle_factory_util.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/log/log.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/platform/path.h"
#include "tensorflow_serving/resources/resource_values.h"
#include "tensorflow_serving/servables/tensorflow/serving_session.h"

namespace tensorflow {
namespace serving {
namespace {

// Runs as if no thread pools had been brought.
class OwnThreadsSession final : public ServingSessionWrapper {
 public:
  using ServingSessionWrapper::Run;
  using ServingSessionWrapper::RunCallable;
  using ServingSessionWrapper::ServingSessionWrapper;

  absl::Status Run(const RunOptions& run_options,
                   const std::vector<std::pair<std::string, Tensor>>& inputs,
                   const std::vector<std::string>& output_tensor_names,
                   const std::vector<std::string>& target_node_names, std::vector<Tensor>* outputs,
                   RunMetadata* run_metadata, const thread::ThreadPoolOptions&) override {
    return Run(run_options, inputs, output_tensor_names, target_node_names, outputs, run_metadata);
  }

  absl::Status RunCallable(CallableHandle handle, const std::vector<Tensor>& feed_tensors,
                           std::vector<Tensor>* fetch_tensors, RunMetadata* run_metadata,
                           const thread::ThreadPoolOptions&) override {
    return RunCallable(handle, feed_tensors, fetch_tensors, run_metadata);
  }
};

// Appends the folders in `folder` to `folders` and adds the size of its files to `bytes`.
absl::Status MeasureFolder(Env& env, const std::string& folder, std::vector<std::string>* folders,
                           uint64_t* bytes) {
  std::vector<std::string> children;
  absl::Status status = env.GetChildren(folder, &children);
  if (!status.ok()) return status;
  for (const std::string& child : children) {
    std::string path = io::JoinPath(folder, child);
    if (env.IsDirectory(path).ok()) {
      folders->push_back(std::move(path));
      continue;
    }
    uint64_t file_bytes = 0;
    if (status = env.GetFileSize(path, &file_bytes); !status.ok()) return status;
    *bytes += file_bytes;
  }
  return absl::OkStatus();
}

void SetMixedPrecision(const std::string& mixed_precision, ConfigProto* config) {
  if (mixed_precision == "bfloat16") {
    config->mutable_graph_options()
        ->mutable_rewrite_options()
        ->set_auto_mixed_precision_onednn_bfloat16(RewriterConfig::ON);
  } else if (!mixed_precision.empty()) {
    LOG(WARNING) << "mixed_precision is \"" << mixed_precision
                 << "\", which is not known; only \"bfloat16\" does anything";
  }
}

}  // namespace

SessionOptions GetSessionOptions(const SessionBundleConfig& config) {
  SessionOptions options;
  options.target = config.session_target();
  options.config = config.session_config();
  SetMixedPrecision(config.mixed_precision(), &options.config);
  return options;
}

RunOptions GetRunOptions(const SessionBundleConfig& config) {
  RunOptions options;
  if (config.has_session_run_load_threadpool_index()) {
    options.set_inter_op_thread_pool(config.session_run_load_threadpool_index().value());
  }
  return options;
}

absl::Status EstimateResourceFromPath(const std::string& path, bool use_validation_result,
                                      ResourceAllocation* estimate) {
  Env& env = *Env::Default();
  // Some file systems list a folder that is not there as an empty one.
  absl::Status status = env.FileExists(path);
  uint64_t bytes = 0;
  std::vector<std::string> folders = {path};
  while (status.ok() && !folders.empty()) {
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    status = MeasureFolder(env, folder, &folders, &bytes);
  }
  if (!status.ok()) return status;
  estimate->Clear();
  ResourceAllocation::Entry* const entry = estimate->add_resource_quantities();
  entry->mutable_resource()->set_device(device_types::kMain);
  entry->mutable_resource()->set_kind(resource_kinds::kRamBytes);
  entry->set_quantity(bytes + bytes / 5);
  return absl::OkStatus();
}

absl::Status WrapSession(std::unique_ptr<Session>* session) {
  *session = std::make_unique<ServingSessionWrapper>(std::move(*session));
  return absl::OkStatus();
}

absl::Status WrapSessionIgnoreThreadPoolOptions(std::unique_ptr<Session>* session) {
  *session = std::make_unique<OwnThreadsSession>(std::move(*session));
  return absl::OkStatus();
}

}  // namespace serving
}  // namespace tensorflow

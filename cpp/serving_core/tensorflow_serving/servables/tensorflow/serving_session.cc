// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/tensorflow/serving_session.h"

#include "absl/log/log.h"

namespace tensorflow {
namespace serving {
namespace {

absl::Status Denied() {
  return absl::PermissionDeniedError("State changes denied via ServingSession");
}

}  // namespace

absl::Status ServingSession::Create(const GraphDef&) { return Denied(); }

absl::Status ServingSession::Create(const RunOptions&, const GraphDef&) { return Denied(); }

absl::Status ServingSession::Extend(const GraphDef&) { return Denied(); }

absl::Status ServingSession::Extend(const RunOptions&, const GraphDef&) { return Denied(); }

absl::Status ServingSession::Close() { return Denied(); }

absl::Status ServingSession::Close(const RunOptions&) { return Denied(); }

ServingSessionWrapper::ServingSessionWrapper(std::unique_ptr<Session> wrapped)
    : wrapped_(std::move(wrapped)) {}

// A session of another process keeps what it holds there until it is closed.
ServingSessionWrapper::~ServingSessionWrapper() {
  // It closes what it holds itself.
  if (dynamic_cast<const ServingSession*>(wrapped_.get()) != nullptr) return;
  const absl::Status closed = wrapped_->Close();
  if (!closed.ok()) LOG(WARNING) << "Cannot close a session: " << closed;
}

absl::Status ServingSessionWrapper::Run(const std::vector<std::pair<std::string, Tensor>>& inputs,
                                        const std::vector<std::string>& output_tensor_names,
                                        const std::vector<std::string>& target_node_names,
                                        std::vector<Tensor>* outputs) {
  return wrapped_->Run(inputs, output_tensor_names, target_node_names, outputs);
}

absl::Status ServingSessionWrapper::Run(const RunOptions& run_options,
                                        const std::vector<std::pair<std::string, Tensor>>& inputs,
                                        const std::vector<std::string>& output_tensor_names,
                                        const std::vector<std::string>& target_node_names,
                                        std::vector<Tensor>* outputs, RunMetadata* run_metadata) {
  return wrapped_->Run(run_options, inputs, output_tensor_names, target_node_names, outputs,
                       run_metadata);
}

absl::Status ServingSessionWrapper::Run(const RunOptions& run_options,
                                        const std::vector<std::pair<std::string, Tensor>>& inputs,
                                        const std::vector<std::string>& output_tensor_names,
                                        const std::vector<std::string>& target_node_names,
                                        std::vector<Tensor>* outputs, RunMetadata* run_metadata,
                                        const thread::ThreadPoolOptions& thread_pool_options) {
  return wrapped_->Run(run_options, inputs, output_tensor_names, target_node_names, outputs,
                       run_metadata, thread_pool_options);
}

absl::Status ServingSessionWrapper::ListDevices(std::vector<DeviceAttributes>* response) {
  return wrapped_->ListDevices(response);
}

absl::Status ServingSessionWrapper::LocalDeviceManager(const DeviceMgr** output) {
  return wrapped_->LocalDeviceManager(output);
}

absl::Status ServingSessionWrapper::MakeCallable(const CallableOptions& callable_options,
                                                 CallableHandle* out_handle) {
  return wrapped_->MakeCallable(callable_options, out_handle);
}

absl::Status ServingSessionWrapper::RunCallable(CallableHandle handle,
                                                const std::vector<Tensor>& feed_tensors,
                                                std::vector<Tensor>* fetch_tensors,
                                                RunMetadata* run_metadata) {
  return wrapped_->RunCallable(handle, feed_tensors, fetch_tensors, run_metadata);
}

absl::Status ServingSessionWrapper::RunCallable(
    CallableHandle handle, const std::vector<Tensor>& feed_tensors,
    std::vector<Tensor>* fetch_tensors, RunMetadata* run_metadata,
    const thread::ThreadPoolOptions& thread_pool_options) {
  return wrapped_->RunCallable(handle, feed_tensors, fetch_tensors, run_metadata,
                               thread_pool_options);
}

absl::Status ServingSessionWrapper::ReleaseCallable(CallableHandle handle) {
  return wrapped_->ReleaseCallable(handle);
}

}  // namespace serving
}  // namespace tensorflow

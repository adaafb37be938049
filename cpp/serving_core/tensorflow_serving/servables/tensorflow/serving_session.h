// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SERVING_SESSION_H_
#define TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SERVING_SESSION_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tensorflow/core/public/session.h"

namespace tensorflow {
namespace serving {

// A session that many requests share, so that none of them may change it.
//
// Units:    none.
// Errors:   Create, Extend and Close: kPermissionDenied. Runs: those of the session behind.
// Threads:  as Session: all methods are called from many threads at once.
// Lifetime: what it holds ends with it, since nobody can close it.
class ServingSession : public Session {
 public:
  ServingSession() = default;
  ~ServingSession() override = default;

  absl::Status Create(const GraphDef& graph) final;
  absl::Status Create(const RunOptions& run_options, const GraphDef& graph) final;
  absl::Status Extend(const GraphDef& graph) final;
  absl::Status Extend(const RunOptions& run_options, const GraphDef& graph) final;
  absl::Status Close() final;
  absl::Status Close(const RunOptions& run_options) final;
};

// Hands all that does not change the session on to `wrapped`, and closes that at its own end.
class ServingSessionWrapper : public ServingSession {
 public:
  explicit ServingSessionWrapper(std::unique_ptr<Session> wrapped);
  ~ServingSessionWrapper() override;
  ServingSessionWrapper(const ServingSessionWrapper&) = delete;
  ServingSessionWrapper& operator=(const ServingSessionWrapper&) = delete;

  absl::Status Run(const std::vector<std::pair<std::string, Tensor>>& inputs,
                   const std::vector<std::string>& output_tensor_names,
                   const std::vector<std::string>& target_node_names,
                   std::vector<Tensor>* outputs) override;
  absl::Status Run(const RunOptions& run_options,
                   const std::vector<std::pair<std::string, Tensor>>& inputs,
                   const std::vector<std::string>& output_tensor_names,
                   const std::vector<std::string>& target_node_names, std::vector<Tensor>* outputs,
                   RunMetadata* run_metadata) override;
  absl::Status Run(const RunOptions& run_options,
                   const std::vector<std::pair<std::string, Tensor>>& inputs,
                   const std::vector<std::string>& output_tensor_names,
                   const std::vector<std::string>& target_node_names, std::vector<Tensor>* outputs,
                   RunMetadata* run_metadata,
                   const thread::ThreadPoolOptions& thread_pool_options) override;

  absl::Status ListDevices(std::vector<DeviceAttributes>* response) override;
  absl::Status LocalDeviceManager(const DeviceMgr** output) override;

  absl::Status MakeCallable(const CallableOptions& callable_options,
                            CallableHandle* out_handle) override;
  absl::Status RunCallable(CallableHandle handle, const std::vector<Tensor>& feed_tensors,
                           std::vector<Tensor>* fetch_tensors, RunMetadata* run_metadata) override;
  absl::Status RunCallable(CallableHandle handle, const std::vector<Tensor>& feed_tensors,
                           std::vector<Tensor>* fetch_tensors, RunMetadata* run_metadata,
                           const thread::ThreadPoolOptions& thread_pool_options) override;
  absl::Status ReleaseCallable(CallableHandle handle) override;

 private:
  const std::unique_ptr<Session> wrapped_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SERVING_SESSION_H_

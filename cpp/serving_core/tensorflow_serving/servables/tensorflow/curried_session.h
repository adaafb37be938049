// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_CURRIED_SESSION_H_
#define TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_CURRIED_SESSION_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tensorflow_serving/servables/tensorflow/serving_session.h"

namespace tensorflow {
namespace serving {

// A session some of whose inputs always have the same values.
//
// Units:    none.
// Errors:   kInvalidArgument for a run or a callable that feeds one of those inputs itself.
// Threads:  as ServingSession.
// Lifetime: as ServingSessionWrapper.
class CurriedSession : public ServingSessionWrapper {
 public:
  using Inputs = std::vector<std::pair<std::string, Tensor>>;

  CurriedSession(std::unique_ptr<Session> wrapped, const Inputs& curried_inputs);
  ~CurriedSession() override = default;

  absl::Status Run(const Inputs& inputs, const std::vector<std::string>& output_tensor_names,
                   const std::vector<std::string>& target_node_names,
                   std::vector<Tensor>* outputs) override;
  absl::Status Run(const RunOptions& run_options, const Inputs& inputs,
                   const std::vector<std::string>& output_tensor_names,
                   const std::vector<std::string>& target_node_names, std::vector<Tensor>* outputs,
                   RunMetadata* run_metadata) override;
  absl::Status Run(const RunOptions& run_options, const Inputs& inputs,
                   const std::vector<std::string>& output_tensor_names,
                   const std::vector<std::string>& target_node_names, std::vector<Tensor>* outputs,
                   RunMetadata* run_metadata,
                   const thread::ThreadPoolOptions& thread_pool_options) override;

  absl::Status MakeCallable(const CallableOptions& callable_options,
                            CallableHandle* out_handle) override;
  absl::Status RunCallable(CallableHandle handle, const std::vector<Tensor>& feed_tensors,
                           std::vector<Tensor>* fetch_tensors, RunMetadata* run_metadata) override;
  absl::Status RunCallable(CallableHandle handle, const std::vector<Tensor>& feed_tensors,
                           std::vector<Tensor>* fetch_tensors, RunMetadata* run_metadata,
                           const thread::ThreadPoolOptions& thread_pool_options) override;

 private:
  absl::Status CheckNotCurried(const std::string& name) const;
  absl::Status AddCurriedInputs(Inputs* inputs) const;
  std::vector<Tensor> WithCurriedTensors(const std::vector<Tensor>& feed_tensors) const;

  const Inputs curried_inputs_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_CURRIED_SESSION_H_

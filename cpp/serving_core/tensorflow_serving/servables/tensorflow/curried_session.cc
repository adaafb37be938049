// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/tensorflow/curried_session.h"

#include "absl/strings/str_cat.h"

namespace tensorflow {
namespace serving {

CurriedSession::CurriedSession(std::unique_ptr<Session> wrapped, const Inputs& curried_inputs)
    : ServingSessionWrapper(std::move(wrapped)), curried_inputs_(curried_inputs) {}

absl::Status CurriedSession::CheckNotCurried(const std::string& name) const {
  for (const auto& [curried, tensor] : curried_inputs_) {
    if (curried == name) {
      return absl::InvalidArgumentError(
          absl::StrCat("Input ", name, " has a fixed value and cannot be fed"));
    }
  }
  return absl::OkStatus();
}

absl::Status CurriedSession::AddCurriedInputs(Inputs* inputs) const {
  for (const auto& [name, tensor] : *inputs) {
    if (absl::Status status = CheckNotCurried(name); !status.ok()) return status;
  }
  inputs->insert(inputs->end(), curried_inputs_.begin(), curried_inputs_.end());
  return absl::OkStatus();
}

std::vector<Tensor> CurriedSession::WithCurriedTensors(
    const std::vector<Tensor>& feed_tensors) const {
  std::vector<Tensor> tensors = feed_tensors;
  for (const auto& [name, tensor] : curried_inputs_) tensors.push_back(tensor);
  return tensors;
}

absl::Status CurriedSession::Run(const Inputs& inputs,
                                 const std::vector<std::string>& output_tensor_names,
                                 const std::vector<std::string>& target_node_names,
                                 std::vector<Tensor>* outputs) {
  Inputs all = inputs;
  if (absl::Status status = AddCurriedInputs(&all); !status.ok()) return status;
  return ServingSessionWrapper::Run(all, output_tensor_names, target_node_names, outputs);
}

absl::Status CurriedSession::Run(const RunOptions& run_options, const Inputs& inputs,
                                 const std::vector<std::string>& output_tensor_names,
                                 const std::vector<std::string>& target_node_names,
                                 std::vector<Tensor>* outputs, RunMetadata* run_metadata) {
  Inputs all = inputs;
  if (absl::Status status = AddCurriedInputs(&all); !status.ok()) return status;
  return ServingSessionWrapper::Run(run_options, all, output_tensor_names, target_node_names,
                                    outputs, run_metadata);
}

absl::Status CurriedSession::Run(const RunOptions& run_options, const Inputs& inputs,
                                 const std::vector<std::string>& output_tensor_names,
                                 const std::vector<std::string>& target_node_names,
                                 std::vector<Tensor>* outputs, RunMetadata* run_metadata,
                                 const thread::ThreadPoolOptions& thread_pool_options) {
  Inputs all = inputs;
  if (absl::Status status = AddCurriedInputs(&all); !status.ok()) return status;
  return ServingSessionWrapper::Run(run_options, all, output_tensor_names, target_node_names,
                                    outputs, run_metadata, thread_pool_options);
}

absl::Status CurriedSession::MakeCallable(const CallableOptions& callable_options,
                                          CallableHandle* out_handle) {
  CallableOptions all = callable_options;
  for (const std::string& name : callable_options.feed()) {
    if (absl::Status status = CheckNotCurried(name); !status.ok()) return status;
  }
  for (const auto& [name, tensor] : curried_inputs_) all.add_feed(name);
  return ServingSessionWrapper::MakeCallable(all, out_handle);
}

absl::Status CurriedSession::RunCallable(CallableHandle handle,
                                         const std::vector<Tensor>& feed_tensors,
                                         std::vector<Tensor>* fetch_tensors,
                                         RunMetadata* run_metadata) {
  return ServingSessionWrapper::RunCallable(handle, WithCurriedTensors(feed_tensors), fetch_tensors,
                                            run_metadata);
}

absl::Status CurriedSession::RunCallable(CallableHandle handle,
                                         const std::vector<Tensor>& feed_tensors,
                                         std::vector<Tensor>* fetch_tensors,
                                         RunMetadata* run_metadata,
                                         const thread::ThreadPoolOptions& thread_pool_options) {
  return ServingSessionWrapper::RunCallable(handle, WithCurriedTensors(feed_tensors), fetch_tensors,
                                            run_metadata, thread_pool_options);
}

}  // namespace serving
}  // namespace tensorflow

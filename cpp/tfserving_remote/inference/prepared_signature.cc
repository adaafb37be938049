// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/inference/prepared_signature.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "tensorflow/core/protobuf/config.pb.h"

namespace tfserving_remote {
namespace {

using tensorflow::RunMetadata;
using tensorflow::RunOptions;
using tensorflow::Session;
using tensorflow::Tensor;
using tensorflow::TensorInfo;

// Every set of outputs that clients ask for costs executors, that is memory, in the session. Beyond
// this many sets of one signature all outputs are computed and the wanted ones picked.
constexpr size_t kMaxSubsets = 16;

std::vector<PreparedSignature::Endpoint> Sorted(
    const tensorflow::protobuf::Map<std::string, TensorInfo>& infos) {
  std::vector<PreparedSignature::Endpoint> result;
  result.reserve(infos.size());
  for (const auto& [alias, info] : infos) {
    result.push_back({alias, info.name(), info.dtype()});
  }
  std::sort(result.begin(), result.end(),
            [](const auto& a, const auto& b) { return a.alias < b.alias; });
  return result;
}

int32_t TimeoutMilliseconds(absl::Duration timeout) {
  const int64_t milliseconds =
      absl::ToInt64Milliseconds(absl::Ceil(timeout, absl::Milliseconds(1)));
  return static_cast<int32_t>(
      std::clamp<int64_t>(milliseconds, 1, std::numeric_limits<int32_t>::max()));
}

}  // namespace

PreparedSignature::PreparedSignature(Session* session, const tensorflow::SignatureDef& signature)
    : session_(session),
      signature_(signature),
      inputs_(Sorted(signature.inputs())),
      outputs_(Sorted(signature.outputs())),
      all_outputs_(outputs_.size()) {
  std::iota(all_outputs_.begin(), all_outputs_.end(), 0);
}

absl::Status PreparedSignature::Run(const std::vector<Tensor>& feeds,
                                    const std::vector<int>& wanted,
                                    std::optional<absl::Duration> timeout,
                                    std::vector<Tensor>* results) const {
  if (wanted.size() == outputs_.size() || FindCallable(wanted) != nullptr) {
    return timeout.has_value() || !HasDtypes(feeds) ? RunByName(feeds, wanted, timeout, results)
                                                    : RunCallable(feeds, wanted, results);
  }
  std::vector<Tensor> everything;
  absl::Status status = Run(feeds, all_outputs_, timeout, &everything);
  if (!status.ok()) return status;
  if (everything.size() != outputs_.size()) return absl::UnknownError("Predict internal error");
  results->clear();
  for (const int index : wanted) results->push_back(everything[index]);
  return absl::OkStatus();
}

absl::Status PreparedSignature::RunCallable(const std::vector<Tensor>& feeds,
                                            const std::vector<int>& wanted,
                                            std::vector<Tensor>* results) const {
  absl::StatusOr<Session::CallableHandle> handle = wanted.size() == outputs_.size()
                                                       ? HandleOf(all_, wanted)
                                                       : HandleOf(*FindCallable(wanted), wanted);
  if (!handle.ok()) return handle.status();
  return session_->RunCallable(*handle, feeds, results, nullptr);
}

bool PreparedSignature::HasDtypes(const std::vector<Tensor>& feeds) const {
  return std::equal(
      feeds.begin(), feeds.end(), inputs_.begin(), inputs_.end(),
      [](const Tensor& feed, const Endpoint& input) { return feed.dtype() == input.dtype; });
}

absl::Status PreparedSignature::RunByName(const std::vector<Tensor>& feeds,
                                          const std::vector<int>& wanted,
                                          std::optional<absl::Duration> timeout,
                                          std::vector<Tensor>* results) const {
  std::vector<std::pair<std::string, Tensor>> named;
  named.reserve(feeds.size());
  for (size_t i = 0; i < feeds.size(); ++i) named.emplace_back(inputs_[i].tensor, feeds[i]);
  RunOptions options;
  if (timeout.has_value()) options.set_timeout_in_ms(TimeoutMilliseconds(*timeout));
  RunMetadata metadata;
  return session_->Run(options, named, FetchNames(wanted), {}, results, &metadata);
}

std::shared_ptr<PreparedSignature::Callable> PreparedSignature::FindCallable(
    const std::vector<int>& wanted) const {
  {
    absl::ReaderMutexLock lock(&mu_);
    const auto found = subsets_.find(wanted);
    if (found != subsets_.end()) return found->second;
    if (subsets_.size() >= kMaxSubsets) return nullptr;
  }
  absl::MutexLock lock(&mu_);
  const auto found = subsets_.find(wanted);
  if (found != subsets_.end()) return found->second;
  if (subsets_.size() >= kMaxSubsets) return nullptr;
  return subsets_[wanted] = std::make_shared<Callable>();
}

absl::StatusOr<Session::CallableHandle> PreparedSignature::HandleOf(
    Callable& callable, const std::vector<int>& wanted) const {
  {
    absl::ReaderMutexLock lock(&callable.mu);
    if (callable.handle.has_value()) return *callable.handle;
  }
  // The lock is held while the session prepares, on purpose: those who come meanwhile need the very
  // result, and nothing else waits for this lock.
  absl::MutexLock lock(&callable.mu);
  if (callable.handle.has_value()) return *callable.handle;
  tensorflow::CallableOptions options;
  for (const Endpoint& input : inputs_) options.add_feed(input.tensor);
  for (std::string& fetch : FetchNames(wanted)) options.add_fetch(std::move(fetch));
  Session::CallableHandle handle;
  absl::Status status = session_->MakeCallable(options, &handle);
  if (!status.ok()) return status;
  callable.handle = handle;
  return handle;
}

std::vector<std::string> PreparedSignature::FetchNames(const std::vector<int>& wanted) const {
  std::vector<std::string> names;
  names.reserve(wanted.size());
  for (const int index : wanted) names.push_back(outputs_[index].tensor);
  return names;
}

}  // namespace tfserving_remote

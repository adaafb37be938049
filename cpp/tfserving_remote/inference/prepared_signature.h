// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_INFERENCE_PREPARED_SIGNATURE_H_
#define TFSERVING_REMOTE_INFERENCE_PREPARED_SIGNATURE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/protobuf/meta_graph.pb.h"
#include "tensorflow/core/public/session.h"

namespace tfserving_remote {

/// One signature of a loaded version, with inputs and outputs in order of their aliases and the
/// session's callables, which are made at first use.
///
/// How a run happens: without a time-out through a callable, which spares the session the search
/// for its executors. A callable's RunOptions are fixed when it is made, so a run with a time-out
/// goes through Session::Run; so does one whose dtypes are not the signature's, since only there
/// the session says in words that clients know which argument is wrong. TensorFlow's Session offers
/// no other way to stop a run: a call that the client cancels is computed to its end (or to its
/// deadline) and the result thrown away.
///
/// Units:    absl::Duration.
/// Errors:   those of the session; DEADLINE_EXCEEDED after the time-out.
/// Threads:  safe to call from any thread.
/// Lifetime: the session outlives it, and frees the callables.
class PreparedSignature {
 public:
  struct Endpoint {
    std::string alias;
    /// Name of the tensor in the graph.
    std::string tensor;
    tensorflow::DataType dtype = tensorflow::DT_INVALID;
  };

  PreparedSignature(tensorflow::Session* session, const tensorflow::SignatureDef& signature);

  /// Sorted by alias.
  const std::vector<Endpoint>& inputs() const { return inputs_; }
  const std::vector<Endpoint>& outputs() const { return outputs_; }
  const tensorflow::SignatureDef& def() const { return signature_; }

  /// Feeds one tensor for each of inputs(). `wanted` are positions in outputs(), ascending;
  /// `results` are their values, in this order.
  absl::Status Run(const std::vector<tensorflow::Tensor>& feeds, const std::vector<int>& wanted,
                   std::optional<absl::Duration> timeout,
                   std::vector<tensorflow::Tensor>* results) const;

 private:
  struct Callable {
    absl::Mutex mu;
    std::optional<tensorflow::Session::CallableHandle> handle ABSL_GUARDED_BY(mu);
  };

  absl::Status RunCallable(const std::vector<tensorflow::Tensor>& feeds,
                           const std::vector<int>& wanted,
                           std::vector<tensorflow::Tensor>* results) const;
  absl::Status RunByName(const std::vector<tensorflow::Tensor>& feeds,
                         const std::vector<int>& wanted, std::optional<absl::Duration> timeout,
                         std::vector<tensorflow::Tensor>* results) const;
  bool HasDtypes(const std::vector<tensorflow::Tensor>& feeds) const;
  /// Null when there are too many already.
  std::shared_ptr<Callable> FindCallable(const std::vector<int>& wanted) const;
  absl::StatusOr<tensorflow::Session::CallableHandle> HandleOf(
      Callable& callable, const std::vector<int>& wanted) const;
  std::vector<std::string> FetchNames(const std::vector<int>& wanted) const;

  // Constant after construction.
  tensorflow::Session* const session_;
  const tensorflow::SignatureDef signature_;
  std::vector<Endpoint> inputs_;
  std::vector<Endpoint> outputs_;
  std::vector<int> all_outputs_;

  // Synchronises itself: the callable that nearly every request uses.
  mutable Callable all_;

  // Guarded by mu_.
  mutable absl::Mutex mu_;
  mutable std::map<std::vector<int>, std::shared_ptr<Callable>> subsets_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_INFERENCE_PREPARED_SIGNATURE_H_

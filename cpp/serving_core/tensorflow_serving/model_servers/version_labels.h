// SPDX-License-Identifier: Apache-2.0
// Ours: internal to ServerCore.
#ifndef TENSORFLOW_SERVING_MODEL_SERVERS_VERSION_LABELS_H_
#define TENSORFLOW_SERVING_MODEL_SERVERS_VERSION_LABELS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/core/servable_state_monitor.h"
#include "tensorflow_serving/util/fast_read_dynamic_ptr.h"

namespace tensorflow {
namespace serving {
namespace internal {

// model → label → version.
using LabelConfig = std::map<std::string, std::map<std::string, int64_t>>;

// Which labels may be given to versions that are neither available nor loading.
enum class UnavailableLabels { kUnchanged, kNewAndUnchanged, kAny };

// kFailedPrecondition if a label of `requested` goes to a version that it may not go to. Pure.
absl::Status CheckLabels(const LabelConfig& present, const LabelConfig& requested,
                         UnavailableLabels allowed, const ServableStateMonitor& monitor);

// Where the labels of all models point.
//
// A label that moves from one version to another that is not available yet stays with the old one
// until the new one is; then it moves, for all requests at once and for good. A new label points to
// its version at once, available or not.
//
// Units:    none.
// Errors:   kUnavailable before labels were given at all; kInvalidArgument for an unknown label.
// Threads:  safe from any thread. Find waits for no other Find, and for a change only while that is
//           being published.
// Lifetime: `list_available` is called by Replace and Restore only.
class VersionLabels {
 public:
  struct Label {
    // Where the label points, or is to point.
    int64_t version = 0;
    // Where it points while `version` is not available yet.
    absl::optional<int64_t> until_available;

    int64_t effective() const { return until_available.value_or(version); }
  };
  // Nothing: labels were not given yet.
  using Labels = absl::optional<std::map<std::string, std::map<std::string, Label>>>;

  explicit VersionLabels(std::function<std::vector<ServableId>()> list_available)
      : list_available_(std::move(list_available)) {}

  absl::StatusOr<int64_t> Find(const std::string& model, const std::string& label) const;

  // Replaces all labels at once; returns what was there before, for Restore.
  Labels Replace(const LabelConfig& config);
  void Restore(Labels labels);

  // To be told of every version that becomes available: labels that wait for it move.
  void VersionAvailable(const ServableId& id) { VersionsAvailable({id}); }

 private:
  void VersionsAvailable(const std::vector<ServableId>& ids);
  static bool Settle(const std::vector<ServableId>& available, Labels* labels);
  void Publish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const std::function<std::vector<ServableId>()> list_available_;

  // Synchronises itself. Updated with mu_ held; readers take no lock of ours.
  FastReadDynamicPtr<Labels> published_;

  absl::Mutex mu_;
  Labels labels_ ABSL_GUARDED_BY(mu_);
};

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_MODEL_SERVERS_VERSION_LABELS_H_

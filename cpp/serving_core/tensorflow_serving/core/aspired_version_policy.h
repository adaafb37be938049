// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_ASPIRED_VERSION_POLICY_H_
#define TENSORFLOW_SERVING_CORE_ASPIRED_VERSION_POLICY_H_

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "tensorflow_serving/core/loader_harness.h"
#include "tensorflow_serving/core/servable_id.h"

namespace tensorflow {
namespace serving {

// One managed version, as a policy sees it.
struct AspiredServableStateSnapshot final {
  ServableId id;
  LoaderHarness::State state;
  bool is_aspired;
};

// Decides in which order the versions of one servable stream are loaded and unloaded.
//
// Units:    none.
// Errors:   none; no action if nothing may be done now.
// Threads:  safe from any thread: the answer depends on the arguments alone.
// Lifetime: keeps nothing.
class AspiredVersionPolicy {
 public:
  enum class Action : int { kLoad, kUnload };

  virtual ~AspiredVersionPolicy() = default;

  struct ServableAction final {
    Action action;
    ServableId id;

    std::string DebugString() const;
  };

  // What to do next for the stream whose managed versions these are.
  virtual absl::optional<ServableAction> GetNextAction(
      const std::vector<AspiredServableStateSnapshot>& all_versions) const = 0;

 protected:
  // The highest version that is aspired and that nobody has begun to load.
  static absl::optional<ServableId> GetHighestAspiredNewServableId(
      const std::vector<AspiredServableStateSnapshot>& all_versions);
};

inline bool operator==(const AspiredVersionPolicy::ServableAction& a,
                       const AspiredVersionPolicy::ServableAction& b) {
  return a.action == b.action && a.id == b.id;
}

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_ASPIRED_VERSION_POLICY_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_RESOURCES_RESOURCE_TRACKER_H_
#define TENSORFLOW_SERVING_RESOURCES_RESOURCE_TRACKER_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/resources/resource_util.h"
#include "tensorflow_serving/resources/resources.pb.h"

namespace tensorflow {
namespace serving {

// Knows what there is of each resource and how much of it loaded servables use.
//
// Units:    as resources.proto says.
// Errors:   kInvalidArgument "Invalid resource allocation: ..." for totals and estimates that the
//           ResourceUtil refuses; the loaders' own errors unchanged.
// Threads:  not safe; managers see to it.
// Lifetime: keeps no loader.
class ResourceTracker {
 public:
  // `total_resources` must be bound; otherwise kInvalidArgument.
  static absl::Status Create(const ResourceAllocation& total_resources,
                             std::unique_ptr<ResourceUtil> util,
                             std::unique_ptr<ResourceTracker>* tracker);
  ResourceTracker(const ResourceTracker&) = delete;
  ResourceTracker& operator=(const ResourceTracker&) = delete;

  // Counts the servable's estimate as used if it fits beside what is used already; says whether it
  // did. What is used but not yet on a certain instance counts on each of them.
  absl::Status ReserveResources(const Loader& servable, bool* success);

  // Counts anew: exactly the present estimates of these servables are used. An error leaves the
  // count as it was.
  absl::Status RecomputeUsedResources(const std::vector<const Loader*>& servables);

  const ResourceAllocation& total_resources() const { return total_resources_; }
  const ResourceAllocation& used_resources() const { return used_resources_; }

 private:
  ResourceTracker(const ResourceAllocation& total_resources, std::unique_ptr<ResourceUtil> util);

  absl::Status Estimate(const Loader& servable, ResourceAllocation* estimate) const;

  const std::unique_ptr<ResourceUtil> util_;
  const ResourceAllocation total_resources_;
  ResourceAllocation used_resources_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_RESOURCES_RESOURCE_TRACKER_H_

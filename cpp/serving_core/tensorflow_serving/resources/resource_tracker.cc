// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/resources/resource_tracker.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace tensorflow {
namespace serving {

absl::Status ResourceTracker::Create(const ResourceAllocation& total_resources,
                                     std::unique_ptr<ResourceUtil> util,
                                     std::unique_ptr<ResourceTracker>* tracker) {
  if (util == nullptr) return absl::InvalidArgumentError("A ResourceTracker needs a ResourceUtil");
  const absl::Status status = util->VerifyValidity(total_resources);
  if (!status.ok()) return status;
  if (!util->IsBound(total_resources)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "The total resources must be bound to device instances: ", total_resources.DebugString()));
  }
  tracker->reset(new ResourceTracker(total_resources, std::move(util)));
  return absl::OkStatus();
}

ResourceTracker::ResourceTracker(const ResourceAllocation& total_resources,
                                 std::unique_ptr<ResourceUtil> util)
    : util_(std::move(util)), total_resources_(util_->Normalize(total_resources)) {}

absl::Status ResourceTracker::Estimate(const Loader& servable, ResourceAllocation* estimate) const {
  const absl::Status status = servable.EstimateResources(estimate);
  return status.ok() ? util_->VerifyValidity(*estimate) : status;
}

absl::Status ResourceTracker::ReserveResources(const Loader& servable, bool* success) {
  *success = false;
  ResourceAllocation estimate;
  const absl::Status status = Estimate(servable, &estimate);
  if (!status.ok()) return status;
  ResourceAllocation needed = util_->Overbind(used_resources_);
  util_->Add(estimate, &needed);
  if (!util_->LessThanOrEqual(needed, total_resources_)) return absl::OkStatus();
  util_->Add(estimate, &used_resources_);
  *success = true;
  return absl::OkStatus();
}

absl::Status ResourceTracker::RecomputeUsedResources(const std::vector<const Loader*>& servables) {
  ResourceAllocation used;
  for (const Loader* const servable : servables) {
    ResourceAllocation estimate;
    const absl::Status status = Estimate(*servable, &estimate);
    if (!status.ok()) return status;
    util_->Add(estimate, &used);
  }
  used_resources_ = std::move(used);
  return absl::OkStatus();
}

}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/resources/resource_util.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/log/log.h"
#include "absl/strings/str_cat.h"

namespace tensorflow {
namespace serving {
namespace {

constexpr uint64_t kMaxQuantity = std::numeric_limits<uint64_t>::max();

uint64_t SaturatingSum(uint64_t a, uint64_t b) {
  return a > kMaxQuantity - b ? kMaxQuantity : a + b;
}

uint64_t SaturatingProduct(uint64_t a, uint64_t b) {
  return b != 0 && a > kMaxQuantity / b ? kMaxQuantity : a * b;
}

std::string PlaceOf(const Resource& resource) {
  return resource.has_device_instance()
             ? absl::StrCat(resource.device(), ":", resource.device_instance().value())
             : resource.device();
}

bool SamePlace(const Resource& a, const Resource& b) {
  return a.device() == b.device() && a.has_device_instance() == b.has_device_instance() &&
         a.device_instance().value() == b.device_instance().value();
}

bool SameResource(const Resource& a, const Resource& b) {
  return SamePlace(a, b) && a.kind() == b.kind();
}

template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat("Invalid resource allocation: ", parts...));
}

void Append(const Resource& resource, uint64_t quantity, ResourceAllocation* allocation) {
  ResourceAllocation::Entry* const entry = allocation->add_resource_quantities();
  *entry->mutable_resource() = resource;
  entry->set_quantity(quantity);
}

}  // namespace

ResourceUtil::ResourceUtil(const Options& options) : devices_(options.devices) {}

uint32_t ResourceUtil::NumInstances(const std::string& device) const {
  const auto found = devices_.find(device);
  return found == devices_.end() ? 0 : found->second;
}

absl::Status ResourceUtil::VerifyResourceValidity(const Resource& resource) const {
  const uint32_t num_instances = NumInstances(resource.device());
  if (num_instances == 0) return Invalid("there is no device \"", resource.device(), "\"");
  if (resource.has_device_instance() && resource.device_instance().value() >= num_instances) {
    return Invalid("there is no device instance ", PlaceOf(resource), ", only ", num_instances,
                   " of them");
  }
  return absl::OkStatus();
}

absl::Status ResourceUtil::VerifyValidity(const ResourceAllocation& allocation) const {
  ResourceAllocation seen;
  for (const ResourceAllocation::Entry& entry : allocation.resource_quantities()) {
    const absl::Status status = VerifyResourceValidity(entry.resource());
    if (!status.ok()) return status;
    const Resource resource = NormalizeResource(entry.resource());
    if (Find(resource, seen) != nullptr) {
      return Invalid("repeated resource ", PlaceOf(resource), "/", resource.kind());
    }
    Append(resource, entry.quantity(), &seen);
  }
  return absl::OkStatus();
}

absl::Status ResourceUtil::VerifyOverrideDeviceValidity(
    const ResourceAllocation& base, const ResourceAllocation& override_allocation) const {
  for (const ResourceAllocation* const allocation : {&base, &override_allocation}) {
    const absl::Status status = VerifyValidity(*allocation);
    if (!status.ok()) return status;
  }
  for (const ResourceAllocation::Entry& entry : override_allocation.resource_quantities()) {
    const Resource resource = NormalizeResource(entry.resource());
    const auto& places = base.resource_quantities();
    if (std::none_of(places.begin(), places.end(), [&](const ResourceAllocation::Entry& place) {
          return SamePlace(resource, NormalizeResource(place.resource()));
        })) {
      return Invalid("the override names ", PlaceOf(resource), ", which the allocation does not");
    }
  }
  return absl::OkStatus();
}

Resource ResourceUtil::NormalizeResource(const Resource& resource) const {
  Resource normalized = resource;
  if (!resource.has_device_instance() && NumInstances(resource.device()) == 1) {
    normalized.mutable_device_instance()->set_value(0);
  }
  return normalized;
}

ResourceAllocation ResourceUtil::NormalizeResourceAllocation(
    const ResourceAllocation& allocation) const {
  ResourceAllocation normalized;
  for (const ResourceAllocation::Entry& entry : allocation.resource_quantities()) {
    if (entry.quantity() == 0) continue;
    Append(NormalizeResource(entry.resource()), entry.quantity(), &normalized);
  }
  return normalized;
}

ResourceAllocation ResourceUtil::Normalize(const ResourceAllocation& allocation) const {
  return NormalizeResourceAllocation(allocation);
}

bool ResourceUtil::IsNormalized(const ResourceAllocation& allocation) const {
  const auto& entries = allocation.resource_quantities();
  return std::all_of(entries.begin(), entries.end(), [&](const ResourceAllocation::Entry& entry) {
    return entry.quantity() > 0 &&
           SameResource(entry.resource(), NormalizeResource(entry.resource()));
  });
}

bool ResourceUtil::IsBound(const ResourceAllocation& allocation) const {
  const ResourceAllocation normalized = Normalize(allocation);
  const auto& entries = normalized.resource_quantities();
  return std::all_of(entries.begin(), entries.end(), [](const ResourceAllocation::Entry& entry) {
    return entry.resource().has_device_instance();
  });
}

Resource ResourceUtil::CreateBoundResource(const std::string& device, const std::string& kind,
                                           uint32_t device_instance) const {
  Resource resource;
  resource.set_device(device);
  resource.set_kind(kind);
  resource.mutable_device_instance()->set_value(device_instance);
  return resource;
}

const ResourceAllocation::Entry* ResourceUtil::Find(const Resource& resource,
                                                    const ResourceAllocation& allocation) {
  for (const ResourceAllocation::Entry& entry : allocation.resource_quantities()) {
    if (SameResource(entry.resource(), resource)) return &entry;
  }
  return nullptr;
}

uint64_t ResourceUtil::GetQuantity(const Resource& resource,
                                   const ResourceAllocation& allocation) const {
  const ResourceAllocation normalized = Normalize(allocation);
  const ResourceAllocation::Entry* const entry = Find(NormalizeResource(resource), normalized);
  return entry == nullptr ? 0 : entry->quantity();
}

void ResourceUtil::SetQuantity(const Resource& resource, uint64_t quantity,
                               ResourceAllocation* allocation) const {
  const Resource wanted = NormalizeResource(resource);
  ResourceAllocation result = Normalize(*allocation);
  allocation->Clear();
  bool found = false;
  for (const ResourceAllocation::Entry& entry : result.resource_quantities()) {
    const bool is_wanted = SameResource(entry.resource(), wanted);
    found |= is_wanted;
    const uint64_t kept = is_wanted ? quantity : entry.quantity();
    if (kept > 0) Append(entry.resource(), kept, allocation);
  }
  if (!found && quantity > 0) Append(wanted, quantity, allocation);
}

void ResourceUtil::Add(const ResourceAllocation& to_add, ResourceAllocation* base) const {
  ResourceAllocation sum = Normalize(*base);
  const ResourceAllocation addends = Normalize(to_add);
  for (const ResourceAllocation::Entry& entry : addends.resource_quantities()) {
    const uint64_t present = GetQuantity(entry.resource(), sum);
    SetQuantity(entry.resource(), SaturatingSum(present, entry.quantity()), &sum);
  }
  *base = std::move(sum);
}

bool ResourceUtil::Subtract(const ResourceAllocation& to_subtract, ResourceAllocation* base) const {
  ResourceAllocation rest = Normalize(*base);
  const ResourceAllocation subtrahends = Normalize(to_subtract);
  for (const ResourceAllocation::Entry& entry : subtrahends.resource_quantities()) {
    const uint64_t present = GetQuantity(entry.resource(), rest);
    if (present < entry.quantity()) return false;
    SetQuantity(entry.resource(), present - entry.quantity(), &rest);
  }
  *base = std::move(rest);
  return true;
}

void ResourceUtil::Multiply(uint64_t multiplier, ResourceAllocation* base) const {
  ResourceAllocation product = Normalize(*base);
  for (ResourceAllocation::Entry& entry : *product.mutable_resource_quantities()) {
    entry.set_quantity(SaturatingProduct(entry.quantity(), multiplier));
  }
  *base = Normalize(product);
}

bool ResourceUtil::ResourcesEqual(const Resource& lhs, const Resource& rhs) const {
  return SameResource(NormalizeResource(lhs), NormalizeResource(rhs));
}

bool ResourceUtil::Equal(const ResourceAllocation& lhs, const ResourceAllocation& rhs) const {
  const ResourceAllocation a = Normalize(lhs);
  const ResourceAllocation b = Normalize(rhs);
  if (a.resource_quantities_size() != b.resource_quantities_size()) return false;
  const auto& entries = a.resource_quantities();
  return std::all_of(entries.begin(), entries.end(), [&](const ResourceAllocation::Entry& entry) {
    const ResourceAllocation::Entry* const other = Find(entry.resource(), b);
    return other != nullptr && other->quantity() == entry.quantity();
  });
}

bool ResourceUtil::FitsOnSomeInstance(const ResourceAllocation::Entry& unbound,
                                      const ResourceAllocation& available) const {
  const std::string& device = unbound.resource().device();
  for (uint32_t instance = 0; instance < NumInstances(device); ++instance) {
    const Resource bound = CreateBoundResource(device, unbound.resource().kind(), instance);
    if (GetQuantity(bound, available) >= unbound.quantity()) return true;
  }
  return false;
}

bool ResourceUtil::LessThanOrEqual(const ResourceAllocation& lhs,
                                   const ResourceAllocation& rhs) const {
  if (!IsBound(rhs)) LOG(DFATAL) << "Compared with resources that are not bound";
  ResourceAllocation available = Normalize(rhs);
  ResourceAllocation unbound;
  const ResourceAllocation needed = Normalize(lhs);
  for (const ResourceAllocation::Entry& entry : needed.resource_quantities()) {
    if (!entry.resource().has_device_instance()) {
      *unbound.add_resource_quantities() = entry;
      continue;
    }
    ResourceAllocation bound;
    *bound.add_resource_quantities() = entry;
    if (!Subtract(bound, &available)) return false;
  }
  const auto& entries = unbound.resource_quantities();
  return std::all_of(entries.begin(), entries.end(), [&](const ResourceAllocation::Entry& entry) {
    return FitsOnSomeInstance(entry, available);
  });
}

ResourceAllocation ResourceUtil::Overbind(const ResourceAllocation& allocation) const {
  ResourceAllocation overbound;
  const ResourceAllocation normalized = Normalize(allocation);
  for (const ResourceAllocation::Entry& entry : normalized.resource_quantities()) {
    ResourceAllocation bound;
    if (entry.resource().has_device_instance()) {
      *bound.add_resource_quantities() = entry;
    } else {
      const std::string& device = entry.resource().device();
      for (uint32_t instance = 0; instance < NumInstances(device); ++instance) {
        Append(CreateBoundResource(device, entry.resource().kind(), instance), entry.quantity(),
               &bound);
      }
    }
    Add(bound, &overbound);
  }
  return overbound;
}

ResourceAllocation ResourceUtil::Max(const ResourceAllocation& lhs,
                                     const ResourceAllocation& rhs) const {
  ResourceAllocation max = Normalize(lhs);
  const ResourceAllocation others = Normalize(rhs);
  for (const ResourceAllocation::Entry& entry : others.resource_quantities()) {
    const uint64_t quantity = std::max(entry.quantity(), GetQuantity(entry.resource(), max));
    SetQuantity(entry.resource(), quantity, &max);
  }
  return max;
}

ResourceAllocation ResourceUtil::Min(const ResourceAllocation& lhs,
                                     const ResourceAllocation& rhs) const {
  ResourceAllocation min = Normalize(lhs);
  for (ResourceAllocation::Entry& entry : *min.mutable_resource_quantities()) {
    entry.set_quantity(std::min(entry.quantity(), GetQuantity(entry.resource(), rhs)));
  }
  return Normalize(min);
}

}  // namespace serving
}  // namespace tensorflow

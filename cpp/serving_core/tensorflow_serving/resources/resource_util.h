// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_RESOURCES_RESOURCE_UTIL_H_
#define TENSORFLOW_SERVING_RESOURCES_RESOURCE_UTIL_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "tensorflow_serving/resources/resources.pb.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// Reckons with amounts of resources on devices of which there may be several instances.
//
// An entry is bound if it says which instance of its device it means, and unbound if it may be any
// one of them. The normal form of an allocation has no entry of quantity 0, and binds what stands
// on a device of one instance to that instance. Everything here takes any valid allocation and
// returns normal forms; sums that exceed 64 bits stay at the greatest number there is.
//
// Units:    those that the kinds of resources name.
// Errors:   kInvalidArgument "Invalid resource allocation: ..." from the Verify functions.
// Elsewhere
//           a device nobody told of is one of which there is no instance.
// Threads:  safe from any thread: nothing changes after construction.
// Lifetime: keeps nothing of its arguments.
class ResourceUtil {
 public:
  struct Options {
    // How many instances of each device there are. One with 0 instances does not exist.
    std::map<std::string, uint32_t> devices;
  };
  explicit ResourceUtil(const Options& options);
  virtual ~ResourceUtil() = default;

  // Refuses unknown devices, instances out of range, and a resource that stands there twice.
  virtual absl::Status VerifyValidity(const ResourceAllocation& allocation) const;
  // Refuses an override that is invalid, or that names a device (or an instance of one) of which
  // `base` does not speak: an override changes quantities, not places.
  absl::Status VerifyOverrideDeviceValidity(const ResourceAllocation& base,
                                            const ResourceAllocation& override_allocation) const;
  absl::Status VerifyResourceValidity(const Resource& resource) const;

  virtual ResourceAllocation Normalize(const ResourceAllocation& allocation) const;
  virtual bool IsNormalized(const ResourceAllocation& allocation) const;
  // Whether every entry says which instance it means, or has only one to choose from.
  bool IsBound(const ResourceAllocation& allocation) const;

  Resource CreateBoundResource(const std::string& device, const std::string& kind,
                               uint32_t device_instance = 0) const;

  // 0 if `resource` has no entry. An unbound resource is another one than the bound ones.
  uint64_t GetQuantity(const Resource& resource, const ResourceAllocation& allocation) const;
  void SetQuantity(const Resource& resource, uint64_t quantity,
                   ResourceAllocation* allocation) const;

  void Add(const ResourceAllocation& to_add, ResourceAllocation* base) const;
  // False, and `base` left alone, if there is less of something than is to be taken away.
  bool Subtract(const ResourceAllocation& to_subtract, ResourceAllocation* base) const;
  void Multiply(uint64_t multiplier, ResourceAllocation* base) const;

  bool Equal(const ResourceAllocation& lhs, const ResourceAllocation& rhs) const;
  bool ResourcesEqual(const Resource& lhs, const Resource& rhs) const;
  // Whether `lhs` fits into `rhs`, which must be bound: every unbound entry of `lhs` has to fit, as
  // a whole, on some instance beside what is bound there.
  bool LessThanOrEqual(const ResourceAllocation& lhs, const ResourceAllocation& rhs) const;

  // Counts what may be on any instance as if it were on each of them.
  ResourceAllocation Overbind(const ResourceAllocation& allocation) const;

  // The greater and the lesser quantity, resource by resource.
  ResourceAllocation Max(const ResourceAllocation& lhs, const ResourceAllocation& rhs) const;
  ResourceAllocation Min(const ResourceAllocation& lhs, const ResourceAllocation& rhs) const;

  // What Normalize does unless a derived class knows better.
  ResourceAllocation NormalizeResourceAllocation(const ResourceAllocation& allocation) const;

 private:
  uint32_t NumInstances(const std::string& device) const;
  Resource NormalizeResource(const Resource& resource) const;
  // Expects normal forms; null if there is no such entry.
  static const ResourceAllocation::Entry* Find(const Resource& resource,
                                               const ResourceAllocation& allocation);
  bool FitsOnSomeInstance(const ResourceAllocation::Entry& unbound,
                          const ResourceAllocation& available) const;

  const std::map<std::string, uint32_t> devices_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_RESOURCES_RESOURCE_UTIL_H_

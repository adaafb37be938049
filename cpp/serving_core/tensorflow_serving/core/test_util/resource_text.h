// SPDX-License-Identifier: Apache-2.0
// Resource allocations as one reads them in a table, for the tests of this room alone.
#ifndef TENSORFLOW_SERVING_CORE_TEST_UTIL_RESOURCE_TEXT_H_
#define TENSORFLOW_SERVING_CORE_TEST_UTIL_RESOURCE_TEXT_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "tensorflow_serving/resources/resources.pb.h"

namespace tensorflow {
namespace serving {
namespace test_util {

// "gpu/ram" is unbound, "gpu:1/ram" is bound to instance 1.
inline Resource ResourceOf(absl::string_view text) {
  const std::vector<std::string> place_and_kind = absl::StrSplit(text, '/');
  const std::vector<std::string> device_and_instance = absl::StrSplit(place_and_kind.at(0), ':');
  Resource resource;
  resource.set_device(device_and_instance.at(0));
  resource.set_kind(place_and_kind.at(1));
  uint32_t instance = 0;
  if (device_and_instance.size() > 1 && absl::SimpleAtoi(device_and_instance[1], &instance)) {
    resource.mutable_device_instance()->set_value(instance);
  }
  return resource;
}

// "main/ram=10 gpu:1/ram=5"; "max" is the greatest quantity there is.
inline ResourceAllocation AllocationOf(absl::string_view text) {
  ResourceAllocation allocation;
  const std::vector<std::string> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  for (const std::string& word : words) {
    const std::vector<std::string> parts = absl::StrSplit(word, '=');
    uint64_t quantity = ~uint64_t{0};
    if (parts.at(1) != "max" && !absl::SimpleAtoi(parts[1], &quantity)) quantity = 0;
    ResourceAllocation::Entry* const entry = allocation.add_resource_quantities();
    *entry->mutable_resource() = ResourceOf(parts[0]);
    entry->set_quantity(quantity);
  }
  return allocation;
}

// Sorted.
inline std::string TextOf(const ResourceAllocation& allocation) {
  std::multiset<std::string> words;
  for (const ResourceAllocation::Entry& entry : allocation.resource_quantities()) {
    const Resource& resource = entry.resource();
    std::string place = resource.device();
    if (resource.has_device_instance()) {
      absl::StrAppend(&place, ":", resource.device_instance().value());
    }
    const std::string quantity =
        entry.quantity() == ~uint64_t{0} ? "max" : absl::StrCat(entry.quantity());
    words.insert(absl::StrCat(place, "/", resource.kind(), "=", quantity));
  }
  return absl::StrJoin(words, " ");
}

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_TEST_UTIL_RESOURCE_TEXT_H_

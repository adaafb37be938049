// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/simple_loader.h"

#include "tensorflow/core/platform/mem.h"
#include "tensorflow_serving/resources/resource_values.h"

namespace tensorflow {
namespace serving {
namespace internal {

uint64_t RamBytes(const ResourceAllocation& allocation) {
  uint64_t bytes = 0;
  for (const ResourceAllocation::Entry& entry : allocation.resource_quantities()) {
    const bool is_ram = entry.resource().device() == device_types::kMain &&
                        entry.resource().kind() == resource_kinds::kRamBytes;
    if (is_ram) bytes += entry.quantity();
  }
  return bytes;
}

void ReleaseRam(uint64_t bytes) { port::MallocExtension_ReleaseToSystem(bytes); }

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_RESOURCES_RESOURCE_VALUES_H_
#define TENSORFLOW_SERVING_RESOURCES_RESOURCE_VALUES_H_

namespace tensorflow {
namespace serving {

// What stands in `Resource.device`.
namespace device_types {

// The host.
extern const char* const kMain;
extern const char* const kGpu;
extern const char* const kTpu;

}  // namespace device_types

// What stands in `Resource.kind`; each name says its unit.
namespace resource_kinds {

// How many servables of a kind a device takes.
extern const char* const kNumModelSlots;
extern const char* const kNumLoraSlots;

// Memory. What counts by default.
extern const char* const kRamBytes;
// Memory, told apart by when and for what it is needed.
extern const char* const kPeakRamBytes;
extern const char* const kModelSteadyRamBytes;
extern const char* const kModelInitRamBytes;
extern const char* const kHeapRamBytes;
extern const char* const kSteadyHeapRamBytes;
extern const char* const kSharedHeapRamBytes;
extern const char* const kStackRamBytes;
extern const char* const kReservedRamBytes;
extern const char* const kSystemRamBytes;
extern const char* const kModelBinaryRamBytes;

// Thousandths of a core.
extern const char* const kProcessingMillis;

}  // namespace resource_kinds
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_RESOURCES_RESOURCE_VALUES_H_

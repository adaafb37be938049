// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_TEST_UTIL_AVAILABILITY_TEST_UTIL_H_
#define TENSORFLOW_SERVING_CORE_TEST_UTIL_AVAILABILITY_TEST_UTIL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/core/servable_state_monitor.h"

namespace tensorflow {
namespace serving {
namespace test_util {

// Blocks until the servable is in one of `states`. May use `monitor` but not its bus.
void WaitUntilServableManagerStateIsOneOf(const ServableStateMonitor& monitor,
                                          const ServableId& servable_id,
                                          const std::vector<ServableState::ManagerState>& states);

// Blocks until exactly `versions` of the stream are available.
void WaitUntilVersionsAvailable(const ServableStateMonitor& monitor,
                                const std::string& servable_name,
                                const std::vector<int64_t>& versions);

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_TEST_UTIL_AVAILABILITY_TEST_UTIL_H_

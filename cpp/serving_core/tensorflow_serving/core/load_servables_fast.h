// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_LOAD_SERVABLES_FAST_H_
#define TENSORFLOW_SERVING_CORE_LOAD_SERVABLES_FAST_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_state_monitor.h"
#include "tensorflow_serving/core/source.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {
namespace internal {

// 4 for each processor.
uint32_t DefaultNumInitialLoadThreads();

// Connects `sources` to `manager` and waits until `wait_until_loaded_fn` returns, with
// `num_threads` load threads meanwhile.
absl::Status ConnectSourcesWithFastInitialLoad(
    AspiredVersionsManager* manager, std::vector<Source<std::unique_ptr<Loader>>*> sources,
    const std::function<absl::Status()>& wait_until_loaded_fn, uint32_t num_threads);

}  // namespace internal

// Connects a source to a manager, and returns when every servable in `initial_servables` is
// available or has ended, without a time limit. Until then the manager has `num_threads` load
// threads, afterwards as many as before. kUnknown, with the reason of each, if one has ended.
// `servable_state_monitor` watches the manager's bus.
absl::Status ConnectSourceWithFastInitialLoad(
    AspiredVersionsManager* manager, Source<std::unique_ptr<Loader>>* source,
    ServableStateMonitor* servable_state_monitor,
    const std::vector<ServableRequest>& initial_servables,
    uint32_t num_threads = internal::DefaultNumInitialLoadThreads());

// The same with several sources.
absl::Status ConnectSourcesWithFastInitialLoad(
    AspiredVersionsManager* manager, std::vector<Source<std::unique_ptr<Loader>>*> sources,
    ServableStateMonitor* servable_state_monitor,
    const std::vector<ServableRequest>& initial_servables,
    uint32_t num_threads = internal::DefaultNumInitialLoadThreads());

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_LOAD_SERVABLES_FAST_H_

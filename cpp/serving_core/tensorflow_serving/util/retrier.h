// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_UTIL_RETRIER_H_
#define TENSORFLOW_SERVING_UTIL_RETRIER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// Calls `retried_fn` until it succeeds, at most 1 + `max_num_retries` times, and returns its last
// result. Before each retry `should_retry(last result)` is asked, then `retry_interval_micros` is
// slept (not at all if negative). `description` stands in the log lines.
absl::Status Retry(
    const std::string& description, uint32_t max_num_retries, int64_t retry_interval_micros,
    const std::function<absl::Status()>& retried_fn,
    const std::function<bool(absl::Status)>& should_retry = [](absl::Status) { return true; });

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_RETRIER_H_

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/util/retrier.h"

#include "absl/log/log.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tensorflow {
namespace serving {

absl::Status Retry(const std::string& description, uint32_t max_num_retries,
                   int64_t retry_interval_micros, const std::function<absl::Status()>& retried_fn,
                   const std::function<bool(absl::Status)>& should_retry) {
  // The last failure is the caller's to tell.
  absl::Status status = retried_fn();
  for (uint32_t retry = 1; !status.ok() && retry <= max_num_retries; ++retry) {
    LOG(ERROR) << description << " failed (attempt " << retry << " of "
               << uint64_t{max_num_retries} + 1 << "): " << status;
    if (!should_retry(status)) {
      LOG(INFO) << description << ": not tried again";
      return status;
    }
    if (retry_interval_micros > 0) absl::SleepFor(absl::Microseconds(retry_interval_micros));
    status = retried_fn();
  }
  return status;
}

}  // namespace serving
}  // namespace tensorflow

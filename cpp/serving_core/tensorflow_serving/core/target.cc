// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/target.h"

#include "absl/log/log.h"

namespace tensorflow {
namespace serving {
namespace internal {

void TargetGate::Open(int door) {
  absl::MutexLock lock(&mu_);
  open_doors_.insert(door);
}

bool TargetGate::CloseForGood() {
  absl::MutexLock lock(&mu_);
  const bool first = !closed_;
  closed_ = true;
  return first;
}

bool TargetGate::AwaitOpen(int door) {
  const auto decided = [this, door]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return closed_ || open_doors_.count(door) > 0;
  };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&decided));
  return !closed_;
}

bool TargetGate::closed_for_good() const {
  absl::MutexLock lock(&mu_);
  return closed_;
}

void ReportBadDetach(const char* what) { LOG(DFATAL) << what; }

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

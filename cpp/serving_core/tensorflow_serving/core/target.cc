// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/target.h"

#include "absl/log/log.h"

namespace tensorflow {
namespace serving {
namespace internal {

void TargetGate::Open() {
  absl::MutexLock lock(&mu_);
  open_ = true;
}

bool TargetGate::CloseForGood() {
  absl::MutexLock lock(&mu_);
  const bool first = !closed_;
  closed_ = true;
  return first;
}

bool TargetGate::AwaitOpen() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(this, &TargetGate::Decided));
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

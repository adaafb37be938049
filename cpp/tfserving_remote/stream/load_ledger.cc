// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/load_ledger.h"

namespace tfserving_remote {

void LoadLedger::RecordFailure(absl::string_view servable_name, int64_t version,
                               const absl::Status& status, std::string fingerprint,
                               absl::Time now) {
  absl::MutexLock lock(&mu_);
  Failure& failure = failures_[{std::string(servable_name), version}];
  failure.status = status;
  ++failure.failures;
  failure.at = now;
  failure.can_heal = CanHeal(status);
  failure.fingerprint = std::move(fingerprint);
}

void LoadLedger::RecordSuccess(absl::string_view servable_name, int64_t version) {
  Forget(servable_name, version);
}

std::optional<LoadLedger::Failure> LoadLedger::LastFailure(absl::string_view servable_name,
                                                           int64_t version) const {
  absl::MutexLock lock(&mu_);
  const auto found = failures_.find({std::string(servable_name), version});
  if (found == failures_.end()) return std::nullopt;
  return found->second;
}

void LoadLedger::Forget(absl::string_view servable_name, int64_t version) {
  absl::MutexLock lock(&mu_);
  failures_.erase({std::string(servable_name), version});
}

bool LoadLedger::CanHeal(const absl::Status& status) {
  switch (status.code()) {
    // Wrong content: a digest that does not match, a manifest or a graph that cannot be read, an op
    // that this TensorFlow lacks. The same objects fail again.
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kUnimplemented:
      return false;
    default:
      return true;
  }
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/load_gate.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace tensorflow {
namespace serving {
namespace internal {
namespace {

using State = LoaderHarness::State;

bool HoldsResources(State state) {
  return state >= State::kLoadApproved && state <= State::kUnloading;
}

absl::Status Explain(const ServableId& id, const absl::Status& error) {
  if (error.ok()) return error;
  return absl::Status(error.code(),
                      absl::StrCat("Error while attempting to reserve resources to load servable ",
                                   id.DebugString(), ": ", error.message()));
}

}  // namespace

LoadGate::LoadGate(std::unique_ptr<ResourceTracker> tracker, std::function<Harnesses()> managed)
    : managed_(std::move(managed)), tracker_(std::move(tracker)) {}

absl::Status LoadGate::Approve(LoaderHarness* harness) {
  if (tracker_ == nullptr) return Admit(harness);
  absl::Status verdict = harness->EndIfCancelled();
  if (!verdict.ok()) return verdict;
  const absl::Status error = harness->CallWithRetries(
      absl::StrCat("Reserving resources to load servable ", harness->id().DebugString()),
      [&] { return Explain(harness->id(), EstimateAndDecide(harness, &verdict)); });
  return error.ok() ? verdict : harness->RefuseLoad(error);
}

absl::Status LoadGate::EstimateAndDecide(LoaderHarness* harness, absl::Status* verdict) {
  ResourceAllocation known_to_the_loader_from_now_on;
  absl::Status error = harness->loader()->EstimateResources(&known_to_the_loader_from_now_on);
  if (!error.ok()) return error;
  *verdict = TakeTurn(harness);
  if (!verdict->ok()) return absl::OkStatus();
  error = Decide(harness, verdict);
  GiveTurnBack();
  return error;
}

absl::Status LoadGate::Decide(LoaderHarness* harness, absl::Status* verdict) {
  for (;;) {
    const int64_t num_ended_before = num_ended();
    bool fits = false;
    const absl::Status error = TryReserve(*harness, &fits);
    if (!error.ok()) return error;
    *verdict = fits ? Admit(harness) : AwaitRoom(harness, num_ended_before);
    if (fits || !verdict->ok()) return absl::OkStatus();
  }
}

absl::Status LoadGate::TryReserve(const LoaderHarness& harness, bool* fits) {
  const Harnesses managed = managed_();
  std::vector<const Loader*> holders;
  for (const auto& other : managed) {
    if (HoldsResources(other->state())) holders.push_back(other->loader());
  }
  const absl::Status error = tracker_->RecomputeUsedResources(holders);
  return error.ok() ? tracker_->ReserveResources(*harness.loader(), fits) : error;
}

absl::Status LoadGate::Admit(LoaderHarness* harness) {
  absl::Status status = harness->LoadApproved();
  if (status.ok()) BeginExecution();
  return status;
}

absl::Status LoadGate::AwaitRoom(LoaderHarness* harness, int64_t num_ended) {
  absl::MutexLock lock(&mu_);
  for (;;) {
    absl::Status cancelled = harness->EndIfCancelled();
    if (!cancelled.ok()) return cancelled;
    if (num_ended_ != num_ended) return absl::OkStatus();
    if (num_executing_ == 0) break;
    changed_.Wait(&mu_);
  }
  return harness->RefuseLoad(absl::ResourceExhaustedError(
      absl::StrCat("Insufficient resources to load servable ", harness->id().DebugString())));
}

absl::Status LoadGate::TakeTurn(LoaderHarness* harness) {
  absl::MutexLock lock(&mu_);
  for (;;) {
    absl::Status cancelled = harness->EndIfCancelled();
    if (!cancelled.ok()) return cancelled;
    if (!turn_taken_) break;
    changed_.Wait(&mu_);
  }
  turn_taken_ = true;
  return absl::OkStatus();
}

void LoadGate::GiveTurnBack() {
  absl::MutexLock lock(&mu_);
  turn_taken_ = false;
  changed_.SignalAll();
}

void LoadGate::BeginExecution() {
  absl::MutexLock lock(&mu_);
  ++num_executing_;
}

void LoadGate::EndExecution() {
  absl::MutexLock lock(&mu_);
  --num_executing_;
  ++num_ended_;
  changed_.SignalAll();
}

void LoadGate::NoticeCancelled() {
  absl::MutexLock lock(&mu_);
  changed_.SignalAll();
}

int64_t LoadGate::num_ended() const {
  absl::MutexLock lock(&mu_);
  return num_ended_;
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

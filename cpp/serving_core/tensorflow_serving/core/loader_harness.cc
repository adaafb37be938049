// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/loader_harness.h"

#include <algorithm>
#include <utility>

#include "absl/log/log.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tensorflow_serving/util/retrier.h"

namespace tensorflow {
namespace serving {

LoaderHarness::LoaderHarness(const ServableId& id, std::unique_ptr<Loader> loader,
                             UniqueAnyPtr additional_state, const Options& options)
    : id_(id),
      loader_(std::move(loader)),
      additional_state_(std::move(additional_state)),
      options_(options),
      state_(State::kNew),
      announced_state_(State::kNew) {}

LoaderHarness::LoaderHarness(const ServableId& id, const absl::Status& error,
                             UniqueAnyPtr additional_state)
    : id_(id),
      additional_state_(std::move(additional_state)),
      state_(State::kError),
      announced_state_(State::kError),
      status_(error) {}

LoaderHarness::~LoaderHarness() {
  const State last = state();
  if (last == State::kNew || last == State::kDisabled || last == State::kError) return;
  LOG(DFATAL) << "Servable " << id_ << " is destroyed while " << last;
}

std::string LoaderHarness::StateDebugString(State state) {
  static constexpr const char* kNames[] = {
      "new",       "load-requested", "load-approved", "loading",  "ready", "unload-requested",
      "quiescing", "quiesced",       "unloading",     "disabled", "error"};
  return kNames[static_cast<size_t>(state)];
}

std::ostream& operator<<(std::ostream& out, LoaderHarness::State state) {
  return out << LoaderHarness::StateDebugString(state);
}

ServableModelType LoaderHarness::model_type() const {
  return loader_ == nullptr ? ServableModelType::kUnspecified : loader_->model_type();
}

LoaderHarness::State LoaderHarness::state() const {
  absl::MutexLock lock(&mu_);
  return state_;
}

LoaderHarness::State LoaderHarness::announced_state() const {
  absl::MutexLock lock(&mu_);
  return announced_state_;
}

void LoaderHarness::Announce() {
  absl::MutexLock lock(&mu_);
  announced_state_ = state_;
  all_announced_ = true;
}

void LoaderHarness::AwaitAnnounced() const {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&all_announced_));
}

absl::Status LoaderHarness::status() const {
  absl::MutexLock lock(&mu_);
  return status_;
}

bool LoaderHarness::HiddenUntilAnnounced(State state) {
  return state == State::kReady || state == State::kDisabled || state == State::kError;
}

void LoaderHarness::SetState(State state) {
  state_ = state;
  if (HiddenUntilAnnounced(state)) {
    all_announced_ = false;
  } else {
    announced_state_ = state;
  }
}

void LoaderHarness::SetError(const absl::Status& error) {
  status_ = error;
  SetState(State::kError);
}

absl::Status LoaderHarness::Advance(State from, State to) {
  absl::MutexLock lock(&mu_);
  return AdvanceLocked(from, to);
}

absl::Status LoaderHarness::AdvanceLocked(State from, State to) {
  if (state_ == from) {
    SetState(to);
    return absl::OkStatus();
  }
  absl::Status error =
      absl::InternalError(absl::StrCat("Servable ", id_.DebugString(), " cannot go from ",
                                       StateDebugString(state_), " to ", StateDebugString(to)));
  LOG(DFATAL) << error;
  return error;
}

absl::Status LoaderHarness::LoadRequested() {
  absl::MutexLock lock(&mu_);
  if (state_ != State::kNew) {
    return absl::FailedPreconditionError(
        absl::StrCat("Duplicate load request for servable ", id_.DebugString()));
  }
  SetState(State::kLoadRequested);
  return absl::OkStatus();
}

absl::Status LoaderHarness::LoadApproved() {
  absl::MutexLock lock(&mu_);
  absl::Status status = EndIfCancelledLocked();
  return status.ok() ? AdvanceLocked(State::kLoadRequested, State::kLoadApproved) : status;
}

absl::Status LoaderHarness::EndIfCancelled() {
  absl::MutexLock lock(&mu_);
  return EndIfCancelledLocked();
}

absl::Status LoaderHarness::EndIfCancelledLocked() {
  if (!load_cancelled_ || state_ != State::kLoadRequested) return absl::OkStatus();
  load_abandoned_ = true;
  SetError(absl::CancelledError("Loading of servable cancelled"));
  return status_;
}

absl::Status LoaderHarness::RefuseLoad(const absl::Status& error) {
  absl::MutexLock lock(&mu_);
  absl::Status status = AdvanceLocked(State::kLoadRequested, State::kError);
  if (!status.ok()) return status;
  SetError(error);
  return error;
}

absl::Status LoaderHarness::CallWithRetries(const std::string& description,
                                            const std::function<absl::Status()>& step) {
  // The pause before a retry is made here, where it can be cut short.
  return Retry(description, options_.max_num_load_retries, /*retry_interval_micros=*/-1, step,
               [this](absl::Status error) { return AwaitRetry(error); });
}

absl::Status LoaderHarness::Load() {
  absl::Status status = Advance(State::kLoadApproved, State::kLoading);
  if (!status.ok()) return status;
  status = CallWithRetries(absl::StrCat("Loading servable ", id_.DebugString()),
                           [this] { return loader_->LoadWithMetadata({id_}); });
  if (!status.ok()) {
    absl::MutexLock lock(&mu_);
    SetError(status);
  }
  return status;
}

bool LoaderHarness::AwaitRetry(const absl::Status& last_error) {
  if (options_.should_retry && !options_.should_retry(last_error)) return false;
  const int64_t interval = std::max<int64_t>(options_.load_retry_interval_micros, 0);
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithTimeout(absl::Condition(&load_cancelled_), absl::Microseconds(interval));
  if (load_cancelled_) load_abandoned_ = true;
  return !load_cancelled_;
}

bool LoaderHarness::CommitLoad() {
  absl::MutexLock lock(&mu_);
  const State next = load_cancelled_ ? State::kUnloading : State::kReady;
  return AdvanceLocked(State::kLoading, next).ok() && next == State::kReady;
}

void LoaderHarness::CancelLoad() {
  absl::MutexLock lock(&mu_);
  load_cancelled_ = true;
}

bool LoaderHarness::ResumeLoad() {
  absl::MutexLock lock(&mu_);
  if (state_ > State::kReady || load_abandoned_) return false;
  load_cancelled_ = false;
  return true;
}

absl::Status LoaderHarness::UnloadRequested() {
  absl::MutexLock lock(&mu_);
  if (state_ != State::kReady) {
    return absl::FailedPreconditionError(absl::StrCat(
        "Servable not loaded, or unload already requested/ongoing: ", id_.DebugString()));
  }
  SetState(State::kUnloadRequested);
  return absl::OkStatus();
}

absl::Status LoaderHarness::StartQuiescing() {
  return Advance(State::kUnloadRequested, State::kQuiescing);
}

absl::Status LoaderHarness::DoneQuiescing() { return Advance(State::kQuiescing, State::kQuiesced); }

void LoaderHarness::Unload() {
  {
    absl::MutexLock lock(&mu_);
    // A cancelled load is there already.
    if (state_ != State::kUnloading && !AdvanceLocked(State::kQuiesced, State::kUnloading).ok()) {
      return;
    }
  }
  loader_->Unload();
  const absl::Status status = Advance(State::kUnloading, State::kDisabled);
  (void)status;  // reported there
}

}  // namespace serving
}  // namespace tensorflow

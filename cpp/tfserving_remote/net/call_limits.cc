// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/call_limits.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/base/clock.h"

namespace tfserving_remote {
namespace {

// For poll(2), rounded up so that a wait never ends early and spins.
int PollMilliseconds(absl::Duration wait) {
  constexpr absl::Duration kLongest = absl::Hours(1);
  if (wait <= absl::ZeroDuration()) return 0;
  return static_cast<int>(
      absl::ToInt64Milliseconds(absl::Ceil(std::min(wait, kLongest), absl::Milliseconds(1))));
}

}  // namespace

absl::Duration MonotonicNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

std::string ErrnoText(int error) { return std::generic_category().message(error); }

absl::StatusOr<std::unique_ptr<CallLimits>> CallLimits::Create(absl::Time deadline,
                                                               absl::Duration stall_timeout,
                                                               Cancellation* cancellation) {
  const absl::Duration left = deadline - Clock::Real().Now();
  std::unique_ptr<CallLimits> limits(new CallLimits(MonotonicNow() + left, stall_timeout));
  if (cancellation == nullptr) return limits;
  limits->wake_ = UniqueFd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!limits->wake_) {
    return absl::UnavailableError(absl::StrCat("no descriptor for waking: ", ErrnoText(errno)));
  }
  limits->registration_ = std::make_unique<Cancellation::Registration>(
      cancellation, [raw = limits.get()] { raw->Wake(); });
  return limits;
}

void CallLimits::Wake() {
  cancelled_ = true;
  const uint64_t one = 1;
  // The counter starts at zero, so the write neither blocks nor fails.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
}

absl::Status CallLimits::Check() const {
  if (cancelled_) return absl::CancelledError("cancelled");
  if (MonotonicNow() >= deadline_) return absl::DeadlineExceededError("deadline exceeded");
  return absl::OkStatus();
}

absl::Status CallLimits::WaitUntilReady(int fd, short events, absl::Duration patience) const {
  const absl::Duration give_up = MonotonicNow() + patience;
  for (;;) {
    if (absl::Status status = Check(); !status.ok()) return status;
    const absl::Duration left = std::min(give_up, deadline_) - MonotonicNow();
    // poll(2) passes over the second entry when there is no descriptor for waking.
    pollfd polled[2] = {{fd, events, 0}, {wake_.get(), POLLIN, 0}};
    const int ready = poll(polled, 2, PollMilliseconds(left));
    if (ready < 0 && errno != EINTR) {
      return absl::UnavailableError(absl::StrCat("poll: ", ErrnoText(errno)));
    }
    if (ready > 0 && polled[1].revents == 0) return absl::OkStatus();
    if (ready == 0 && MonotonicNow() >= give_up) {
      if (absl::Status status = Check(); !status.ok()) return status;
      return absl::UnavailableError(
          absl::StrCat("no progress for ", absl::FormatDuration(patience)));
    }
  }
}

}  // namespace tfserving_remote

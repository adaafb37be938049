// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_CALL_LIMITS_H_
#define TFSERVING_REMOTE_NET_CALL_LIMITS_H_

#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tfserving_remote/base/cancellation.h"
#include "tfserving_remote/net/unique_fd.h"

namespace tfserving_remote {

/// Time since an arbitrary beginning, which no change of the wall clock touches.
absl::Duration MonotonicNow();

/// The text of an errno value.
std::string ErrnoText(int error);

/// What bounds one blocking call: its deadline, its cancellation and its patience with a silent
/// peer.
///
/// Units:    absl::Duration; events as poll(2) has them.
/// Errors:   CANCELLED, DEADLINE_EXCEEDED; UNAVAILABLE when patience ran out.
/// Threads:  one call uses it on one thread; the cancellation fires from any.
/// Lifetime: shorter than the cancellation. Sockets are closed by the calling thread only, after it
///           was woken, so a descriptor is never closed under a system call or taken for another.
class CallLimits {
 public:
  /// Fails only when no descriptor is left for waking the call.
  static absl::StatusOr<std::unique_ptr<CallLimits>> Create(absl::Time deadline,
                                                            absl::Duration stall_timeout,
                                                            Cancellation* cancellation);

  /// Whether the call may go on as of now.
  absl::Status Check() const;

  /// Waits until `fd` is ready for `events`, has failed or was hung up; at most `patience`.
  absl::Status WaitUntilReady(int fd, short events, absl::Duration patience) const;
  absl::Status WaitUntilReady(int fd, short events) const {
    return WaitUntilReady(fd, events, stall_timeout_);
  }

 private:
  CallLimits(absl::Duration deadline, absl::Duration stall_timeout)
      : deadline_(deadline), stall_timeout_(stall_timeout) {}
  void Wake();

  // Constant after Create.
  const absl::Duration deadline_;  // as MonotonicNow counts
  const absl::Duration stall_timeout_;
  UniqueFd wake_;  // an eventfd; none without a cancellation
  // Synchronises itself.
  std::atomic<bool> cancelled_{false};
  // Declared last: after it is gone nobody writes to wake_.
  std::unique_ptr<Cancellation::Registration> registration_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_CALL_LIMITS_H_

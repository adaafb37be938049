// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_UNIQUE_FD_H_
#define TFSERVING_REMOTE_NET_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace tfserving_remote {

/// Owns a file descriptor and closes it.
///
/// Units:    none.
/// Errors:   -1 stands for "none"; close errors are ignored.
/// Threads:  like an int: one thread at a time.
/// Lifetime: moved, never copied.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() {
    if (fd_ >= 0) close(fd_);
  }

  int get() const { return fd_; }
  /// Gives the descriptor away.
  int Release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_UNIQUE_FD_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_TESTING_CHILD_SERVER_H_
#define TFSERVING_REMOTE_TESTING_CHILD_SERVER_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tfserving_remote {

/// A server in a process of its own, for tests against real stores. The program chooses a free
/// port, prints one line once it accepts connections, and ends when its standard input ends; so it
/// ends with the test also when the test crashes.
///
/// Units:    none.
/// Errors:   UNAVAILABLE when it ends before it printed a line.
/// Threads:  used from one thread.
/// Lifetime: the destructor ends its standard input and waits until it has ended.
class ChildServer {
 public:
  static absl::StatusOr<std::unique_ptr<ChildServer>> Start(
      const std::vector<std::string>& arguments);
  ~ChildServer();
  ChildServer(const ChildServer&) = delete;
  ChildServer& operator=(const ChildServer&) = delete;

  /// The line that it printed, without its end: usually its address.
  const std::string& first_line() const { return first_line_; }

 private:
  ChildServer(pid_t pid, int input, int output) : pid_(pid), input_(input), output_(output) {}

  const pid_t pid_;
  const int input_;
  const int output_;
  std::string first_line_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_TESTING_CHILD_SERVER_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_IO_LOOP_H_
#define TFSERVING_REMOTE_NET_IO_LOOP_H_

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"

namespace tfserving_remote {

/// An Asio io_context with its one thread. Work from other threads comes in through a mailbox that
/// wakes the thread once per batch.
///
/// Units:    none.
/// Errors:   none.
/// Threads:  Post from any thread; Start and Stop from one; the rest on the loop's thread.
/// Lifetime: shared with those who post; stopped before the last of them lets go.
class IoLoop : public std::enable_shared_from_this<IoLoop> {
 public:
  IoLoop();
  ~IoLoop();

  void Start();
  /// Runs what was posted before, then ends the thread. All sockets and timers must be closed by
  /// then: the thread ends when nothing is left to wait for.
  void Stop();

  /// Runs `task` on the loop's thread. After Stop, in place: there is nothing left to race with.
  void Post(std::function<void()> task);
  /// Like Post, but at once when called on the loop's thread.
  void Run(std::function<void()> task);
  bool on_loop_thread() const;

  /// Runs `task` when the present batch of work is through, so that many calls share one write.
  void AfterBatch(std::function<void()> task);
  /// For those who run work on this loop outside the mailbox: call at the end.
  void FinishBatch();

  boost::asio::io_context& context() { return context_; }
  /// Scratch memory for reading; free to use until control returns to the loop.
  absl::Span<char> read_buffer() { return absl::MakeSpan(read_buffer_); }

 private:
  void RunMailbox();

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<char> read_buffer_;
  std::thread thread_;
  // Loop thread only.
  std::vector<std::function<void()>> after_batch_;
  // Guarded by mu_.
  absl::Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::function<void()>> mailbox_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_IO_LOOP_H_

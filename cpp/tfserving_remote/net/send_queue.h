// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_SEND_QUEUE_H_
#define TFSERVING_REMOTE_NET_SEND_QUEUE_H_

#include <sys/uio.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"

namespace tfserving_remote {

/// Bytes on their way to a socket: small ones copied together, large ones by reference.
///
/// Units:    bytes.
/// Errors:   none.
/// Threads:  one at a time.
/// Lifetime: holds the owners of referenced bytes until they are consumed.
class SendQueue {
 public:
  using Done = std::function<void(bool)>;

  void Copy(absl::string_view bytes);
  void Reference(absl::string_view bytes, std::shared_ptr<const void> owner);
  /// `done` becomes due when everything appended so far has been consumed.
  void OnSent(Done done);

  size_t size() const { return static_cast<size_t>(appended_ - sent_); }
  bool empty() const { return appended_ == sent_; }
  /// Describes the next bytes, at most `max` pieces; returns how many pieces.
  size_t Peek(iovec* pieces, size_t max) const;
  /// Forgets the first `bytes` and moves what became due to `due`. Callbacks are not run here,
  /// since they may append.
  void Consume(size_t bytes, std::vector<Done>* due);
  /// Forgets everything; what will never be sent goes to `failed`.
  void Clear(std::vector<Done>* failed);

 private:
  struct Piece {
    const char* data;
    size_t size;
    std::shared_ptr<const void> owner;
    /// Set when the bytes were copied.
    std::unique_ptr<char[]> block;
    size_t block_used;
  };
  struct Waiting {
    uint64_t position;
    Done done;
  };

  std::deque<Piece> pieces_;
  std::deque<Waiting> waiting_;
  uint64_t appended_ = 0;
  uint64_t sent_ = 0;
  std::unique_ptr<char[]> spare_block_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_SEND_QUEUE_H_

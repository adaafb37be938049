// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_PAGE_BUFFER_H_
#define TFSERVING_REMOTE_STREAM_PAGE_BUFFER_H_

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace tfserving_remote {

/// Memory that comes straight from the system, costs nothing until it is written to, and goes
/// straight back: a heap would keep the megabytes of a finished load.
///
/// Units:    bytes.
/// Errors:   RESOURCE_EXHAUSTED when the system has none.
/// Threads:  as a plain array.
/// Lifetime: frees itself.
class PageBuffer {
 public:
  static absl::StatusOr<PageBuffer> Allocate(size_t size);

  PageBuffer() = default;
  ~PageBuffer();
  PageBuffer(PageBuffer&& other) noexcept { *this = std::move(other); }
  PageBuffer& operator=(PageBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  char* data() const { return data_; }
  size_t size() const { return size_; }
  absl::Span<char> span() const { return {data_, size_}; }

 private:
  PageBuffer(char* data, size_t size) : data_(data), size_(size) {}

  char* data_ = nullptr;
  size_t size_ = 0;
};

/// Asks for huge pages under memory that is about to be filled; worth it for many megabytes that
/// nobody has touched yet. Only a hint.
void AdviseHugePages(absl::Span<char> memory);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_PAGE_BUFFER_H_

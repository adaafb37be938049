// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/page_buffer.h"

#include <sys/mman.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

constexpr uintptr_t kHugePage = 2 << 20;

}  // namespace

absl::StatusOr<PageBuffer> PageBuffer::Allocate(size_t size) {
  if (size == 0) return PageBuffer();
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory for a buffer of ", size, " bytes; give the server more"));
  }
  PageBuffer buffer(static_cast<char*>(memory), size);
  AdviseHugePages(buffer.span());
  return buffer;
}

PageBuffer::~PageBuffer() {
  if (data_ != nullptr) munmap(data_, size_);
}

void AdviseHugePages(absl::Span<char> memory) {
  // Whole huge pages only: advice splits a mapping in two, and the rest gains nothing.
  const uintptr_t begin = reinterpret_cast<uintptr_t>(memory.data());
  const uintptr_t first = (begin + kHugePage - 1) & ~(kHugePage - 1);
  const uintptr_t last = (begin + memory.size()) & ~(kHugePage - 1);
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
// Internal: how readers and the one who frees memory keep out of each other's way without a lock.
#ifndef TENSORFLOW_SERVING_UTIL_READ_SECTION_H_
#define TENSORFLOW_SERVING_UTIL_READ_SECTION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tensorflow {
namespace serving {
namespace internal {

// What a thread says of itself. Only that thread writes `reading_since`.
struct alignas(64) ReaderSlot {
  // The period in which it began to read; 0: it does not read.
  std::atomic<uint64_t> reading_since{0};
  std::atomic<bool> taken{true};
  // Given back after each section: the thread is ending and has no slot of its own any more.
  bool only_for_one_section = false;
  // Constant once others can see the slot.
  size_t index = 0;
  ReaderSlot* next = nullptr;
};

// While it lives, nothing is freed that its thread could have found after its beginning. A writer
// unlinks an object (a seq_cst store to the atomic pointer that readers load seq_cst), begins a
// period, and frees the object when nobody reads any more who began in an earlier period.
//
// Units:    periods are counted from 1.
// Errors:   none.
// Threads:  belongs to the thread that made it. Waits for nobody and keeps no writer waiting,
//           unless that asks for it with AwaitReaders.
// Lifetime: for a few loads, on the stack, and never one within another.
class ReadSection {
 public:
  ReadSection();
  ~ReadSection() {
    slot_->reading_since.store(0, std::memory_order_release);
    if (slot_->only_for_one_section) GiveBack(slot_);
  }
  ReadSection(const ReadSection&) = delete;
  ReadSection& operator=(const ReadSection&) = delete;

  // A small number that no other living thread has.
  size_t thread() const { return slot_->index; }

 private:
  static void GiveBack(ReaderSlot* slot);

  ReaderSlot* const slot_;
};

// To be called after objects were unlinked: they may be freed once OldestReader() has reached the
// returned period.
uint64_t BeginPeriod();
// The earliest period in which somebody began who still reads; the present one if nobody reads.
uint64_t OldestReader();
// Returns when everybody is done who reads now. Not to be called within a section.
void AwaitReaders();

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_READ_SECTION_H_

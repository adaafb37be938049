// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/util/read_section.h"

#include <algorithm>
#include <thread>

#include "absl/base/optimization.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tensorflow {
namespace serving {
namespace internal {
namespace {

std::atomic<uint64_t> present_period{1};
// Slots are never freed: those of threads that ended serve others.
std::atomic<ReaderSlot*> all_slots{nullptr};

ReaderSlot* TakeFreeSlot() {
  for (ReaderSlot* slot = all_slots.load(); slot != nullptr; slot = slot->next) {
    bool taken = false;
    if (slot->taken.compare_exchange_strong(taken, true)) return slot;
  }
  return nullptr;
}

ReaderSlot* AddSlot() {
  auto* const slot = new ReaderSlot;
  slot->next = all_slots.load();
  do {
    slot->index = slot->next == nullptr ? 0 : slot->next->index + 1;
  } while (!all_slots.compare_exchange_weak(slot->next, slot));
  return slot;
}

// Both are constants at first, so that looking at them takes no guard.
thread_local ReaderSlot* slot_of_this_thread = nullptr;
thread_local bool this_thread_is_ending = false;

// Gives the slot back at the end of the thread.
struct SlotKeeper {
  explicit SlotKeeper(ReaderSlot* slot) { slot_of_this_thread = slot; }
  ~SlotKeeper() {
    this_thread_is_ending = true;
    slot_of_this_thread->taken.store(false, std::memory_order_release);
    slot_of_this_thread = nullptr;
  }
};

ABSL_ATTRIBUTE_NOINLINE ReaderSlot* TakeSlot() {
  ReaderSlot* slot = TakeFreeSlot();
  if (slot == nullptr) slot = AddSlot();
  slot->only_for_one_section = this_thread_is_ending;
  if (!this_thread_is_ending) thread_local const SlotKeeper keeper(slot);
  return slot;
}

ReaderSlot* SlotOfThisThread() {
  ReaderSlot* const slot = slot_of_this_thread;
  return ABSL_PREDICT_TRUE(slot != nullptr) ? slot : TakeSlot();
}

}  // namespace

ReadSection::ReadSection() : slot_(SlotOfThisThread()) {
  // In one order with the loads of what is read and with the stores and the look of the writer:
  // either that sees this reader, or this reader sees what that has stored.
  slot_->reading_since.store(present_period.load());
}

void ReadSection::GiveBack(ReaderSlot* slot) {
  slot->taken.store(false, std::memory_order_release);
}

uint64_t BeginPeriod() { return present_period.fetch_add(1) + 1; }

uint64_t OldestReader() {
  uint64_t oldest = present_period.load();
  for (const ReaderSlot* slot = all_slots.load(); slot != nullptr; slot = slot->next) {
    const uint64_t since = slot->reading_since.load();
    if (since != 0) oldest = std::min(oldest, since);
  }
  return oldest;
}

void AwaitReaders() {
  const uint64_t period = BeginPeriod();
  // A section takes less than a microsecond, unless its thread lost its core within.
  for (int i = 0; i < 100; ++i) {
    if (OldestReader() >= period) return;
    std::this_thread::yield();
  }
  while (OldestReader() < period) absl::SleepFor(absl::Microseconds(100));
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
// Teaches ThreadSanitizer what absl's locks order. absl comes compiled, without instrumentation,
// inside TensorFlow's framework library, so every correctly locked access would look like a race.
// These definitions stand in front of the library's: they tell the sanitizer and then call the
// original. Linked into test binaries of the tsan preset only.
#include <dlfcn.h>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
}

#define TFSR_STRING(x) #x
#define TFSR_TEXT(x) TFSR_STRING(x)
// "N4absl12lts_20250814" with the inline namespace of the installed version.
#define TFSR_ABSL_LTS TFSR_TEXT(ABSL_OPTION_INLINE_NAMESPACE_NAME)

namespace {

template <typename Function>
Function Original(const char* before, const char* after) {
  const std::string lts = TFSR_ABSL_LTS;
  const std::string name = before + std::to_string(lts.size()) + lts + after;
  void* const symbol = dlsym(RTLD_NEXT, name.c_str());
  if (symbol == nullptr) {
    fprintf(stderr, "tsan_absl: the framework library has no %s\n", name.c_str());
    abort();
  }
  return reinterpret_cast<Function>(symbol);
}

}  // namespace

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::lock() {
  static const auto original = Original<void (*)(Mutex*)>("_ZN4absl", "5Mutex4lockEv");
  original(this);
  __tsan_acquire(this);
}

void Mutex::unlock() {
  static const auto original = Original<void (*)(Mutex*)>("_ZN4absl", "5Mutex6unlockEv");
  __tsan_release(this);
  // The original evaluates the conditions of waiters here, after the release above but still under
  // the lock.
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  original(this);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

bool Mutex::try_lock() {
  static const auto original = Original<bool (*)(Mutex*)>("_ZN4absl", "5Mutex8try_lockEv");
  const bool locked = original(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::lock_shared() {
  static const auto original = Original<void (*)(Mutex*)>("_ZN4absl", "5Mutex11lock_sharedEv");
  original(this);
  __tsan_acquire(this);
}

void Mutex::unlock_shared() {
  static const auto original = Original<void (*)(Mutex*)>("_ZN4absl", "5Mutex13unlock_sharedEv");
  __tsan_release(this);
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  original(this);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

bool Mutex::AwaitCommon(const Condition& condition,
                        synchronization_internal::KernelTimeout timeout) {
  static const auto original =
      Original<bool (*)(Mutex*, const Condition&, synchronization_internal::KernelTimeout)>(
          "_ZN4absl",
          "5Mutex11AwaitCommonERKNS0_9ConditionENS0_24synchronization_internal13KernelTimeoutE");
  __tsan_release(this);
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  const bool result = original(this, condition, timeout);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  __tsan_acquire(this);
  return result;
}

bool Mutex::LockWhenCommon(const Condition& condition,
                           synchronization_internal::KernelTimeout timeout, bool write) {
  static const auto original =
      Original<bool (*)(Mutex*, const Condition&, synchronization_internal::KernelTimeout, bool)>(
          "_ZN4absl",
          "5Mutex14LockWhenCommonERKNS0_9ConditionENS0_"
          "24synchronization_internal13KernelTimeoutEb");
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  const bool result = original(this, condition, timeout, write);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  __tsan_acquire(this);
  return result;
}

bool CondVar::WaitCommon(Mutex* mutex, synchronization_internal::KernelTimeout timeout) {
  static const auto original =
      Original<bool (*)(CondVar*, Mutex*, synchronization_internal::KernelTimeout)>(
          "_ZN4absl",
          "7CondVar10WaitCommonEPNS0_5MutexENS0_24synchronization_internal13KernelTimeoutE");
  __tsan_release(mutex);
  const bool result = original(this, mutex, timeout);
  __tsan_acquire(mutex);
  return result;
}

void Notification::Notify() {
  static const auto original =
      Original<void (*)(Notification*)>("_ZN4absl", "12Notification6NotifyEv");
  __tsan_release(this);
  original(this);
}

void Notification::WaitForNotification() const {
  static const auto original =
      Original<void (*)(const Notification*)>("_ZNK4absl", "12Notification19WaitForNotificationEv");
  original(this);
  __tsan_acquire(const_cast<Notification*>(this));
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  static const auto original = Original<bool (*)(const Notification*, Duration)>(
      "_ZNK4absl", "12Notification30WaitForNotificationWithTimeoutENS0_8DurationE");
  const bool notified = original(this, timeout);
  if (notified) __tsan_acquire(const_cast<Notification*>(this));
  return notified;
}

bool Notification::WaitForNotificationWithDeadline(Time deadline) const {
  static const auto original = Original<bool (*)(const Notification*, Time)>(
      "_ZNK4absl", "12Notification31WaitForNotificationWithDeadlineENS0_4TimeE");
  const bool notified = original(this, deadline);
  if (notified) __tsan_acquire(const_cast<Notification*>(this));
  return notified;
}

ABSL_NAMESPACE_END
}  // namespace absl

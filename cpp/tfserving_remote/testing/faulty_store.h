// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_TESTING_FAULTY_STORE_H_
#define TFSERVING_REMOTE_TESTING_FAULTY_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// A store in front of another one, whose calls fail or hang as a test says.
///
/// Units:    as ObjectStore.
/// Errors:   those that Fail was given; hanging calls end with CANCELLED when they are cancelled,
///           and go on to the store behind when the fault is healed.
/// Threads:  safe to call from any thread.
/// Lifetime: no call hangs in it when it is destroyed.
class FaultyStore final : public ObjectStore {
 public:
  enum class Verb { kList, kHead, kRead, kReadAll };
  static constexpr int kForever = -1;

  explicit FaultyStore(std::shared_ptr<ObjectStore> behind) : behind_(std::move(behind)) {}

  /// The next `times` calls of `verb` whose key or prefix begins with `key` fail. Of several
  /// faults that fit, the one that was asked for first is used.
  void Fail(Verb verb, absl::string_view key, absl::Status status, int times = kForever);
  /// Calls of `verb` whose key or prefix begins with `key` hang.
  void Hang(Verb verb, absl::string_view key);
  /// Calls of `verb` whose key or prefix begins with `key` take `delay` longer, by `clock`, which
  /// outlives the store.
  void Delay(Verb verb, absl::string_view key, absl::Duration delay, Clock& clock);
  /// The next `times` reads of a key that begins with `key` bring `bytes` bytes and then fail as
  /// when the connection breaks. Shorter reads go through.
  void CutShort(absl::string_view key, uint64_t bytes, int times = kForever);
  /// Reads that bring byte `at` of a key that begins with `key` bring it with one bit flipped, and
  /// succeed.
  void FlipBit(absl::string_view key, uint64_t at);
  /// Takes all faults back.
  void Heal();
  /// Blocks until at least `count` calls hang.
  void WaitForHanging(int count);
  /// Keys and prefixes that `verb` was called with, in order.
  std::vector<std::string> Calls(Verb verb);

  absl::StatusOr<Listing> List(absl::string_view prefix, ListDepth depth,
                               const StoreCallOptions& options) override;
  absl::StatusOr<ObjectInfo> Head(absl::string_view key, const StoreCallOptions& options) override;
  absl::Status Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                    absl::Span<char> into, const StoreCallOptions& options) override;
  absl::StatusOr<Content> ReadAll(absl::string_view key, uint64_t max_bytes,
                                  const StoreCallOptions& options) override;
  std::string Url(absl::string_view key) const override { return behind_->Url(key); }

 private:
  struct Fault {
    Verb verb;
    std::string key;
    /// OK hangs.
    absl::Status status;
    int times = kForever;
  };
  struct Slowness {
    Verb verb;
    std::string key;
    absl::Duration delay;
    Clock* clock;
  };
  struct Cut {
    std::string key;
    uint64_t bytes;
    int times;
  };
  struct Flip {
    std::string key;
    uint64_t at;
  };

  /// What becomes of a call; OK goes on to the store behind.
  absl::Status Suffer(Verb verb, absl::string_view key, const StoreCallOptions& options);
  /// Null when none fits.
  const Fault* FindFault(Verb verb, absl::string_view key) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  absl::Status Hang(Verb verb, absl::string_view key, Cancellation* cancellation);
  absl::Status WaitOut(Verb verb, absl::string_view key, Cancellation* cancellation);
  /// How many of `length` bytes arrive.
  uint64_t UseCut(absl::string_view key, uint64_t length);
  void FlipBits(absl::string_view key, uint64_t offset, absl::Span<char> bytes);

  const std::shared_ptr<ObjectStore> behind_;

  absl::Mutex mu_;
  std::vector<Fault> faults_ ABSL_GUARDED_BY(mu_);
  std::vector<Slowness> slowness_ ABSL_GUARDED_BY(mu_);
  std::vector<Cut> cuts_ ABSL_GUARDED_BY(mu_);
  std::vector<Flip> flips_ ABSL_GUARDED_BY(mu_);
  std::vector<std::pair<Verb, std::string>> calls_ ABSL_GUARDED_BY(mu_);
  int hanging_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_TESTING_FAULTY_STORE_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_MEMORY_MEMORY_STORE_H_
#define TFSERVING_REMOTE_STORE_MEMORY_MEMORY_STORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// A whole ObjectStore that keeps its objects in memory; for tests and for embedding. Behaves as S3
/// does: no folders, a new tag for every Put, also of the same bytes.
///
/// Units:    bytes.
/// Errors:   as ObjectStore; deadlines are not looked at, since no call waits.
/// Threads:  safe to call from any thread.
/// Lifetime: outlives its calls.
class MemoryStore final : public ObjectStore {
 public:
  /// `url_root` is what messages put in front of keys.
  explicit MemoryStore(std::string url_root = "memory://");

  /// Creates or replaces an object. Returns its tag.
  std::string Put(absl::string_view key, std::string bytes);
  /// False when there was no such object.
  bool Delete(absl::string_view key);
  /// Removes every object under `prefix`; returns how many there were.
  int DeletePrefix(absl::string_view prefix);

  /// How often each verb was called, and the bytes that Read and ReadAll gave.
  struct Counts {
    int64_t list = 0;
    int64_t head = 0;
    int64_t read = 0;
    int64_t read_all = 0;
    uint64_t bytes = 0;
  };
  Counts counts() const;

  absl::StatusOr<Listing> List(absl::string_view prefix, ListDepth depth,
                               const StoreCallOptions& options) override;
  absl::StatusOr<ObjectInfo> Head(absl::string_view key, const StoreCallOptions& options) override;
  absl::Status Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                    absl::Span<char> into, const StoreCallOptions& options) override;
  absl::StatusOr<Content> ReadAll(absl::string_view key, uint64_t max_bytes,
                                  const StoreCallOptions& options) override;
  std::string Url(absl::string_view key) const override;

 private:
  struct Object {
    ObjectInfo info;
    // Shared, so that bytes are copied out without holding the lock.
    std::shared_ptr<const std::string> bytes;
  };

  absl::StatusOr<Object> Find(absl::string_view verb, absl::string_view key,
                              const StoreCallOptions& options) const;

  const std::string url_root_;

  mutable absl::Mutex mu_;
  std::map<std::string, Object, std::less<>> objects_ ABSL_GUARDED_BY(mu_);
  uint64_t last_tag_ ABSL_GUARDED_BY(mu_) = 0;
  Counts counts_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_MEMORY_MEMORY_STORE_H_

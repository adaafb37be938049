// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_OBJECT_STORE_H_
#define TFSERVING_REMOTE_STORE_OBJECT_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tfserving_remote/base/byte_range.h"
#include "tfserving_remote/base/cancellation.h"

namespace tfserving_remote {

/// One object as a listing or a HEAD shows it.
struct ObjectInfo {
  /// Full key inside the bucket, or an absolute path.
  std::string key;
  /// Bytes.
  uint64_t size = 0;
  /// Names these very bytes: the ETag (S3), the generation (GCS), inode-mtime-size (files). Opaque;
  /// never empty.
  std::string tag;

  friend bool operator==(const ObjectInfo& a, const ObjectInfo& b) {
    return a.key == b.key && a.size == b.size && a.tag == b.tag;
  }
};

/// All pages of one listing, sorted by key, without duplicates.
struct Listing {
  std::vector<ObjectInfo> objects;
  /// With ListDepth::kOneLevel: the "folders", each with its trailing '/'.
  std::vector<std::string> prefixes;
};

enum class ListDepth { kOneLevel, kRecursive };

struct StoreCallOptions {
  /// May be null.
  Cancellation* cancellation = nullptr;
  /// No attempt of the call starts later.
  absl::Time deadline = absl::InfiniteFuture();
};

/// Read access to the objects of one bucket, or to the files of one machine.
///
/// Units:    bytes.
/// Errors:   NOT_FOUND (object or bucket), PERMISSION_DENIED and UNAUTHENTICATED (with what to
///           check), FAILED_PRECONDITION (the object is no longer the one that `tag` names),
///           OUT_OF_RANGE (it is, and ends before the range does), INVALID_ARGUMENT, UNAVAILABLE
///           (worth retrying; RetryingStore does), DATA_LOSS, RESOURCE_EXHAUSTED, CANCELLED,
///           DEADLINE_EXCEEDED. Messages say verb, URL, what, request id and advice.
/// Threads:  safe to call from any thread; calls block.
/// Lifetime: outlives its calls.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// Everything whose key begins with `prefix`: all pages or an error, never a part. `prefix` is ""
  /// or ends with '/', so that `model/` never shows `model2/...`. A prefix without objects gives an
  /// empty listing; a bucket (or for files a folder) that does not exist is NOT_FOUND.
  virtual absl::StatusOr<Listing> List(absl::string_view prefix, ListDepth depth,
                                       const StoreCallOptions& options) = 0;

  virtual absl::StatusOr<ObjectInfo> Head(absl::string_view key,
                                          const StoreCallOptions& options) = 0;

  /// Reads `into.size()` bytes from `offset` of the object that `tag` names, straight into `into`.
  /// Exactly these bytes or an error. `into` may be written to even when the call fails. An empty
  /// `into` is filled without asking the store; an empty `tag` is INVALID_ARGUMENT.
  virtual absl::Status Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                            absl::Span<char> into, const StoreCallOptions& options) = 0;

  struct Content {
    ObjectInfo info;
    std::string bytes;
  };
  /// A small object whole, in one request. RESOURCE_EXHAUSTED above `max_bytes`.
  virtual absl::StatusOr<Content> ReadAll(absl::string_view key, uint64_t max_bytes,
                                          const StoreCallOptions& options) = 0;

  /// "s3://bucket/key" as people write it, for messages.
  virtual std::string Url(absl::string_view key) const = 0;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_OBJECT_STORE_H_

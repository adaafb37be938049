// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_LOCAL_LOCAL_STORE_H_
#define TFSERVING_REMOTE_STORE_LOCAL_LOCAL_STORE_H_

#include <cstdint>
#include <string>

#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// The files of this machine. Keys are absolute paths; tags are device-inode-size-mtime.
///
/// Symbolic links are followed, to files and to folders and wherever they lead, as TensorFlow
/// Serving does and as Kubernetes' mounted volumes need: whoever may write into a model's folder
/// decides what is served from it anyway. A link that leads back into its own folder is not
/// followed twice. Sockets, pipes, devices and links that lead nowhere are not listed. An empty
/// folder is listed by one level and unseen by a recursive listing.
///
/// Units:    bytes.
/// Errors:   as ObjectStore; NOT_FOUND also where a folder is expected and a file found.
/// Threads:  safe to call from any thread; calls block, and on a hung network mount they hang.
/// Lifetime: outlives its calls.
class LocalStore final : public ObjectStore {
 public:
  struct Options {
    uint64_t max_listed_objects = 2'000'000;
    int max_depth = 64;
  };

  LocalStore() : LocalStore(Options()) {}
  explicit LocalStore(Options options) : options_(options) {}

  absl::StatusOr<Listing> List(absl::string_view prefix, ListDepth depth,
                               const StoreCallOptions& options) override;
  absl::StatusOr<ObjectInfo> Head(absl::string_view key, const StoreCallOptions& options) override;
  absl::Status Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                    absl::Span<char> into, const StoreCallOptions& options) override;
  absl::StatusOr<Content> ReadAll(absl::string_view key, uint64_t max_bytes,
                                  const StoreCallOptions& options) override;
  std::string Url(absl::string_view key) const override { return std::string(key); }

 private:
  const Options options_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_LOCAL_LOCAL_STORE_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_LOCAL_LOCAL_FILE_H_
#define TFSERVING_REMOTE_STORE_LOCAL_LOCAL_FILE_H_

#include <sys/stat.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// What an errno of a file operation means, in the words of ObjectStore.
absl::Status FileError(absl::string_view verb, absl::string_view path, int error);

/// A regular file as an object. NOT_FOUND for anything else.
absl::StatusOr<ObjectInfo> InfoOf(const struct stat& facts, absl::string_view verb,
                                  absl::string_view path);

/// A regular file, open for reading; closed by the destructor.
class LocalFile {
 public:
  /// Does not wait for the other end of a pipe: that is NOT_FOUND.
  static absl::StatusOr<LocalFile> Open(absl::string_view verb, absl::string_view path);

  explicit LocalFile(int descriptor) : descriptor_(descriptor) {}
  LocalFile(LocalFile&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  LocalFile& operator=(LocalFile&&) = delete;
  ~LocalFile();

  int descriptor() const { return descriptor_; }
  absl::StatusOr<ObjectInfo> Info(absl::string_view verb, absl::string_view path) const;

 private:
  int descriptor_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_LOCAL_LOCAL_FILE_H_

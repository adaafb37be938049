// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_BASE_STORAGE_URL_H_
#define TFSERVING_REMOTE_BASE_STORAGE_URL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tfserving_remote {

/// Where something lies: `s3://bucket/key`, `gs://bucket/key`, `file:///folder` or a plain absolute
/// path.
struct StorageUrl {
  /// "s3", "gs" or "file".
  std::string scheme;
  /// Empty for files.
  std::string bucket;
  /// Without a leading or trailing '/' for s3 and gs; an absolute path without a trailing '/' for
  /// files.
  std::string key;

  /// INVALID_ARGUMENT, with what to write instead, for anything else.
  static absl::StatusOr<StorageUrl> Parse(absl::string_view text);

  /// This place and `relative` below it.
  StorageUrl Child(absl::string_view relative) const;
  /// The text that Parse reads back.
  std::string ToString() const;

  friend bool operator==(const StorageUrl& a, const StorageUrl& b) {
    return a.scheme == b.scheme && a.bucket == b.bucket && a.key == b.key;
  }
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_BASE_STORAGE_URL_H_

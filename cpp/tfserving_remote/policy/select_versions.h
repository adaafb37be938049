// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_POLICY_SELECT_VERSIONS_H_
#define TFSERVING_REMOTE_POLICY_SELECT_VERSIONS_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tensorflow_serving/config/file_system_storage_path_source.pb.h"

namespace tfserving_remote {

/// Which of the versions that are there shall be served.
struct VersionPolicy {
  enum class Kind { kLatest, kAll, kSpecific };

  Kind kind = Kind::kLatest;
  /// With kLatest: how many; at least 1.
  uint32_t latest = 1;
  /// With kSpecific.
  std::set<int64_t> specific;

  static VersionPolicy Latest(uint32_t count) { return {Kind::kLatest, count, {}}; }
  static VersionPolicy All() { return {Kind::kAll, 1, {}}; }
  static VersionPolicy Specific(std::set<int64_t> versions) {
    return {Kind::kSpecific, 1, std::move(versions)};
  }

  /// As TensorFlow Serving reads it: unset means the latest one, and so does a count of 0.
  static VersionPolicy FromProto(
      const tensorflow::serving::FileSystemStoragePathSourceConfig::ServableVersionPolicy& proto);

  /// "latest 2", "all", "specific 3, 7".
  std::string DebugString() const;

  friend bool operator==(const VersionPolicy& a, const VersionPolicy& b) {
    return a.kind == b.kind && a.latest == b.latest && a.specific == b.specific;
  }
};

struct VersionSelection {
  std::set<int64_t> selected;
  /// Asked for by number but not there.
  std::set<int64_t> missing;
};

/// Pure.
VersionSelection SelectVersions(const VersionPolicy& policy, const std::set<int64_t>& versions);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_POLICY_SELECT_VERSIONS_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_TEST_ARCHIVES_H_
#define TFSERVING_REMOTE_STREAM_TEST_ARCHIVES_H_

#include <string>
#include <vector>

#include "tfserving_remote/manifest/version_name.h"
#include "tfserving_remote/stream/test_versions.h"

namespace tfserving_remote {

/// A member of an archive, good or bad.
struct TestMember {
  enum class Kind { kFile, kFolder, kSymbolicLink, kHardLink, kDevice, kSparse };
  std::string path;
  std::string bytes;
  Kind kind = Kind::kFile;
};

/// Packs the members as they are, one after the other.
std::string PackMembers(VersionPacking packing, const std::vector<TestMember>& members);
/// Packs the files of a version, below `folder` ("" or "7/").
std::string PackFiles(VersionPacking packing, const TestFiles& files, const std::string& folder);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_TEST_ARCHIVES_H_

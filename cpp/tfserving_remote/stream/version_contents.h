// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_VERSION_CONTENTS_H_
#define TFSERVING_REMOTE_STREAM_VERSION_CONTENTS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tfserving_remote/manifest/manifest.h"
#include "tfserving_remote/manifest/version_name.h"
#include "tfserving_remote/stream/chunk_fetcher.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tfserving_remote {

/// What the store and the manifest say of one version.
struct VersionContents {
  std::shared_ptr<ObjectStore> store;
  std::string url;
  std::string fingerprint;
  VersionPacking packing = VersionPacking::kFolder;
  /// Without packing suffix: "0000001".
  std::string name;
  /// Null without one. Never moves: objects point into it.
  std::unique_ptr<const Manifest> manifest;
  /// Sorted by path. Empty for an archive without a manifest.
  std::vector<VersionFile> files;
  /// Of a folder one for each of `files`; of an archive the one.
  std::vector<PinnedObject> objects;
};

/// Splits "7.tar.gz" into "7" and kTarGz; whatever has no packing suffix is a folder.
VersionPacking SplitPackingSuffix(std::string& path_name);

/// Whether only signed versions may be read.
bool RequiresSignature(const VersionReaderOptions& options);

/// Lists and pins, reads the manifest and the signature, compares them. Errors as OpenVersion.
absl::StatusOr<VersionContents> ReadVersionContents(const VersionLocation& location,
                                                    const VersionReaderOptions& options,
                                                    const StoreCallOptions& call,
                                                    std::string* fingerprint = nullptr);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_VERSION_CONTENTS_H_

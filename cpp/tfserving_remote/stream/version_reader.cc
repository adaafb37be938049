// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/version_reader.h"

#include <utility>

#include "tfserving_remote/stream/archive_version.h"
#include "tfserving_remote/stream/ranged_version.h"
#include "tfserving_remote/stream/version_contents.h"

namespace tfserving_remote {

VersionLocation LocateVersion(std::shared_ptr<ObjectStore> store, const StorageUrl& url) {
  const size_t slash = url.key.rfind('/');
  const size_t split = slash == std::string::npos ? 0 : slash + 1;
  return {std::move(store), url.key.substr(0, split), url.key.substr(split)};
}

absl::StatusOr<std::unique_ptr<VersionReader>> OpenVersion(VersionLocation location,
                                                           const VersionReaderOptions& options,
                                                           std::shared_ptr<TransferPool> pool,
                                                           const StoreCallOptions& call,
                                                           std::string* fingerprint) {
  absl::StatusOr<VersionContents> contents =
      ReadVersionContents(location, options, call, fingerprint);
  if (!contents.ok()) return contents.status();
  VersionReaderOptions reading = options;
  reading.check_sha256 = options.check_sha256 || RequiresSignature(options);
  if (contents->packing == VersionPacking::kFolder || contents->packing == VersionPacking::kTar) {
    return std::make_unique<RangedVersion>(*std::move(contents), reading, std::move(pool));
  }
  return std::make_unique<ArchiveVersion>(*std::move(contents), reading, std::move(pool));
}

}  // namespace tfserving_remote

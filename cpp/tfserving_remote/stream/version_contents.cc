// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/version_contents.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tfserving_remote/manifest/listing_fingerprint.h"

namespace tfserving_remote {
namespace {

// The manifest object and what stands in it.
struct ReadManifest {
  ObjectInfo info;
  std::unique_ptr<const Manifest> manifest;
};

absl::Status CheckIdentity(const Manifest& manifest, const VersionContents& contents,
                           const std::string& url) {
  const std::optional<int64_t> number = ParseVersionNumber(contents.name);
  if (number.has_value() && manifest.version != *number) {
    return absl::InvalidArgumentError(absl::StrCat(url, ": is the manifest of version ",
                                                   manifest.version, ", not of ", contents.name,
                                                   "; publish the version again"));
  }
  const std::string path_name = absl::StrCat(contents.name, PackingSuffix(contents.packing));
  const std::string expected =
      manifest.archive.has_value() ? manifest.archive->path : contents.name;
  if (expected == path_name) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      url, ": describes ", manifest.archive.has_value() ? "the archive " : "the folder ", expected,
      ", not ", path_name, "; keep only one of the two beside the manifest"));
}

// Leaves `read` empty when there is no manifest and none is needed.
absl::Status ReadManifestOf(const VersionLocation& location, const VersionReaderOptions& options,
                            const StoreCallOptions& call, const VersionContents& contents,
                            ReadManifest& read) {
  if (options.manifest_mode == ManifestMode::kIgnored) return absl::OkStatus();
  const std::string key = absl::StrCat(location.base_key, ManifestName(contents.name));
  const std::string url = contents.store->Url(key);
  const ManifestLimits limits;
  absl::StatusOr<ObjectStore::Content> content =
      contents.store->ReadAll(key, limits.max_bytes, call);
  if (absl::IsNotFound(content.status())) {
    if (options.manifest_mode == ManifestMode::kPreferred) return absl::OkStatus();
    return absl::NotFoundError(absl::StrCat(
        url,
        ": there is no manifest, and --remote_manifest=required asks for one; publish the "
        "version with `tfserving-remote publish`"));
  }
  if (!content.ok()) return content.status();
  absl::StatusOr<Manifest> manifest = ParseManifest(content->bytes, limits);
  if (!manifest.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(url, ": ", manifest.status().message()));
  }
  if (absl::Status wrong = CheckIdentity(*manifest, contents, url); !wrong.ok()) return wrong;
  read.info = std::move(content->info);
  read.manifest = std::make_unique<const Manifest>(*std::move(manifest));
  return absl::OkStatus();
}

// The files of a folder whose manifest says what they are.
absl::Status TakeListedFiles(const std::vector<ObjectInfo>& objects, const std::string& prefix,
                             VersionContents& contents) {
  std::map<absl::string_view, const ObjectInfo*> by_key;
  for (const ObjectInfo& object : objects) by_key[object.key] = &object;
  for (const ManifestFile& file : contents.manifest->files) {
    const std::string key = absl::StrCat(prefix, file.path);
    const auto found = by_key.find(key);
    if (found == by_key.end()) {
      return absl::FailedPreconditionError(absl::StrCat(
          contents.store->Url(key), ": is missing, although the manifest lists it with ", file.size,
          " bytes; is the version still being copied?"));
    }
    if (found->second->size != file.size) {
      return absl::FailedPreconditionError(
          absl::StrCat(contents.store->Url(key), ": has ", found->second->size,
                       " bytes, but the manifest says ", file.size, "; publish the version again"));
    }
    contents.files.push_back({file.path, file.size});
    contents.objects.push_back({*found->second, &file.chunks, contents.manifest->chunk_size});
  }
  return absl::OkStatus();
}

// True for the zero-byte objects by which tools remember folders: "dir/" and "dir" beside "dir/x".
bool IsFolderMarker(const ObjectInfo& object, absl::string_view relative,
                    const std::unordered_set<std::string>& folders) {
  if (relative.empty() || absl::EndsWith(relative, "/")) return true;
  return object.size == 0 && folders.count(std::string(relative)) != 0;
}

std::unordered_set<std::string> FoldersOf(const std::vector<ObjectInfo>& objects,
                                          absl::string_view prefix) {
  std::unordered_set<std::string> folders;
  for (const ObjectInfo& object : objects) {
    const absl::string_view path = absl::string_view(object.key).substr(prefix.size());
    for (size_t slash = path.rfind('/'); slash != path.npos && slash > 0;
         slash = path.rfind('/', slash - 1)) {
      if (!folders.insert(std::string(path.substr(0, slash))).second) break;
    }
  }
  return folders;
}

// The files of a folder without a manifest: all there are.
absl::Status TakeAllFiles(const std::vector<ObjectInfo>& objects, const std::string& prefix,
                          VersionContents& contents) {
  const std::unordered_set<std::string> folders = FoldersOf(objects, prefix);
  for (const ObjectInfo& object : objects) {
    const absl::string_view relative = absl::string_view(object.key).substr(prefix.size());
    if (IsFolderMarker(object, relative, folders)) continue;
    if (!IsSafeRelativePath(relative) || folders.count(std::string(relative)) != 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          contents.url, ": has an object \"", absl::CHexEscape(relative.substr(0, 200)),
          "\", which cannot be the file of a model; remove it"));
    }
    contents.files.push_back({std::string(relative), object.size});
    contents.objects.push_back({object, nullptr, 0});
  }
  if (!contents.files.empty()) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(contents.url, ": there are no files in this version"));
}

absl::StatusOr<std::vector<ObjectInfo>> TakeFolder(const VersionLocation& location,
                                                   const StoreCallOptions& call,
                                                   VersionContents& contents) {
  const std::string prefix = absl::StrCat(location.base_key, location.path_name, "/");
  absl::StatusOr<Listing> listing = contents.store->List(prefix, ListDepth::kRecursive, call);
  if (!listing.ok()) return listing.status();
  const absl::Status taken = contents.manifest != nullptr
                                 ? TakeListedFiles(listing->objects, prefix, contents)
                                 : TakeAllFiles(listing->objects, prefix, contents);
  if (!taken.ok()) return taken;
  return std::move(listing->objects);
}

absl::StatusOr<std::vector<ObjectInfo>> TakeArchive(const VersionLocation& location,
                                                    const StoreCallOptions& call,
                                                    VersionContents& contents) {
  const std::string key = absl::StrCat(location.base_key, location.path_name);
  absl::StatusOr<ObjectInfo> info = contents.store->Head(key, call);
  if (!info.ok()) return info.status();
  PinnedObject object = {*info, nullptr, 0};
  if (contents.manifest != nullptr) {
    const ManifestFile& archive = *contents.manifest->archive;
    if (info->size != archive.size) {
      return absl::FailedPreconditionError(
          absl::StrCat(contents.url, ": has ", info->size, " bytes, but the manifest says ",
                       archive.size, "; publish the version again"));
    }
    object.digests = &archive.chunks;
    object.chunk_size = contents.manifest->chunk_size;
    for (const ManifestFile& file : contents.manifest->files) {
      contents.files.push_back({file.path, file.size});
    }
  }
  contents.objects.push_back(std::move(object));
  return std::vector<ObjectInfo>{*std::move(info)};
}

}  // namespace

VersionPacking SplitPackingSuffix(std::string& path_name) {
  absl::string_view rest = path_name;
  for (VersionPacking packing :
       {VersionPacking::kTar, VersionPacking::kTarGz, VersionPacking::kTarZst}) {
    if (absl::ConsumeSuffix(&rest, PackingSuffix(packing))) {
      path_name = std::string(rest);
      return packing;
    }
  }
  return VersionPacking::kFolder;
}

absl::StatusOr<VersionContents> ReadVersionContents(const VersionLocation& location,
                                                    const VersionReaderOptions& options,
                                                    const StoreCallOptions& call) {
  VersionContents contents;
  contents.store = location.store;
  contents.url = location.store->Url(absl::StrCat(location.base_key, location.path_name));
  contents.name = location.path_name;
  contents.packing = SplitPackingSuffix(contents.name);
  ReadManifest read;
  if (absl::Status status = ReadManifestOf(location, options, call, contents, read); !status.ok()) {
    return status;
  }
  contents.manifest = std::move(read.manifest);
  absl::StatusOr<std::vector<ObjectInfo>> seen = contents.packing == VersionPacking::kFolder
                                                     ? TakeFolder(location, call, contents)
                                                     : TakeArchive(location, call, contents);
  if (!seen.ok()) return seen.status();
  if (contents.manifest != nullptr) seen->push_back(std::move(read.info));
  contents.fingerprint = ListingFingerprint(*seen);
  return contents;
}

}  // namespace tfserving_remote

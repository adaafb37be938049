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
#include "tfserving_remote/manifest/signature.h"

namespace tfserving_remote {
namespace {

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

absl::Status Prefixed(const std::string& url, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(url, ": ", status.message()));
}

absl::Status Unsigned(const std::string& url, absl::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat(url, ": there is no ", what,
                   ", and only versions that a trusted key has signed are served "
                   "(--remote_trusted_keys); sign the version with `tfserving-remote sign`"));
}

// Nothing when there is no manifest and none is needed.
absl::StatusOr<std::optional<ObjectStore::Content>> FetchManifest(
    const VersionReaderOptions& options, const StoreCallOptions& call, const std::string& key,
    ObjectStore& store) {
  const bool must_be_signed = RequiresSignature(options);
  if (options.manifest_mode == ManifestMode::kIgnored && !must_be_signed) return std::nullopt;
  absl::StatusOr<ObjectStore::Content> content =
      store.ReadAll(key, ManifestLimits().max_bytes, call);
  if (content.ok()) return std::make_optional(*std::move(content));
  if (!absl::IsNotFound(content.status())) return content.status();
  if (must_be_signed) return Unsigned(store.Url(key), "manifest");
  if (options.manifest_mode == ManifestMode::kPreferred) return std::nullopt;
  return absl::NotFoundError(absl::StrCat(
      store.Url(key),
      ": there is no manifest, and one is required (--remote_manifest=required); publish the "
      "version with `tfserving-remote publish`"));
}

// Nothing without a signature, or when none is looked for.
absl::StatusOr<std::optional<ObjectStore::Content>> FetchSignature(
    const VersionReaderOptions& options, const StoreCallOptions& call, const std::string& key,
    ObjectStore& store) {
  if (!RequiresSignature(options)) return std::nullopt;
  absl::StatusOr<ObjectStore::Content> content =
      store.ReadAll(key, SignatureLimits().max_bytes, call);
  if (content.ok()) return std::make_optional(*std::move(content));
  if (!absl::IsNotFound(content.status())) return content.status();
  return std::nullopt;
}

absl::Status TakeManifest(absl::string_view text, const std::string& url,
                          VersionContents& contents) {
  absl::StatusOr<Manifest> manifest = ParseManifest(text);
  if (!manifest.ok()) return Prefixed(url, manifest.status());
  if (absl::Status wrong = CheckIdentity(*manifest, contents, url); !wrong.ok()) return wrong;
  contents.manifest = std::make_unique<const Manifest>(*std::move(manifest));
  return absl::OkStatus();
}

// Takes the manifest once a trusted key vouches for its bytes: it is not even parsed before.
absl::Status TakeSignedManifest(absl::string_view text, const std::string& manifest_url,
                                const std::optional<ObjectStore::Content>& signature,
                                const std::string& signature_url, const TrustedKeys& keys,
                                VersionContents& contents) {
  if (!signature.has_value()) return Unsigned(signature_url, "signature");
  const absl::StatusOr<SignedFiles> files = VerifySignature(signature->bytes, text, keys);
  if (!files.ok()) return Prefixed(signature_url, files.status());
  if (absl::Status taken = TakeManifest(text, manifest_url, contents); !taken.ok()) return taken;
  const absl::Status covered = CheckSignedFiles(*files, *contents.manifest);
  return covered.ok() ? covered : Prefixed(signature_url, covered);
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

absl::StatusOr<std::vector<ObjectInfo>> ListObjects(const VersionLocation& location,
                                                    const StoreCallOptions& call,
                                                    VersionPacking packing) {
  const std::string key = absl::StrCat(location.base_key, location.path_name);
  if (packing != VersionPacking::kFolder) {
    absl::StatusOr<ObjectInfo> info = location.store->Head(key, call);
    if (!info.ok()) return info.status();
    return std::vector<ObjectInfo>{*std::move(info)};
  }
  absl::StatusOr<Listing> listing =
      location.store->List(absl::StrCat(key, "/"), ListDepth::kRecursive, call);
  if (!listing.ok()) return listing.status();
  return std::move(listing->objects);
}

absl::Status TakeArchive(const ObjectInfo& info, VersionContents& contents) {
  PinnedObject object = {info, nullptr, 0};
  if (contents.manifest != nullptr) {
    const ManifestFile& archive = *contents.manifest->archive;
    if (info.size != archive.size) {
      return absl::FailedPreconditionError(
          absl::StrCat(contents.url, ": has ", info.size, " bytes, but the manifest says ",
                       archive.size, "; publish the version again"));
    }
    object.digests = &archive.chunks;
    object.chunk_size = contents.manifest->chunk_size;
    for (const ManifestFile& file : contents.manifest->files) {
      contents.files.push_back({file.path, file.size});
    }
  }
  contents.objects.push_back(std::move(object));
  return absl::OkStatus();
}

absl::Status TakeObjects(const VersionLocation& location, const std::vector<ObjectInfo>& objects,
                         VersionContents& contents) {
  if (contents.packing != VersionPacking::kFolder) return TakeArchive(objects.front(), contents);
  const std::string prefix = absl::StrCat(location.base_key, location.path_name, "/");
  return contents.manifest != nullptr ? TakeListedFiles(objects, prefix, contents)
                                      : TakeAllFiles(objects, prefix, contents);
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

bool RequiresSignature(const VersionReaderOptions& options) {
  return options.trusted_keys != nullptr;
}

absl::StatusOr<VersionContents> ReadVersionContents(const VersionLocation& location,
                                                    const VersionReaderOptions& options,
                                                    const StoreCallOptions& call,
                                                    std::string* fingerprint) {
  ObjectStore& store = *location.store;
  VersionContents contents;
  contents.store = location.store;
  contents.url = store.Url(absl::StrCat(location.base_key, location.path_name));
  contents.name = location.path_name;
  contents.packing = SplitPackingSuffix(contents.name);
  const std::string manifest_key = absl::StrCat(location.base_key, ManifestName(contents.name));
  const absl::StatusOr<std::optional<ObjectStore::Content>> manifest =
      FetchManifest(options, call, manifest_key, store);
  if (!manifest.ok()) return manifest.status();
  const std::string signature_key = absl::StrCat(location.base_key, SignatureName(contents.name));
  const absl::StatusOr<std::optional<ObjectStore::Content>> signature =
      FetchSignature(options, call, signature_key, store);
  if (!signature.ok()) return signature.status();
  const absl::StatusOr<std::vector<ObjectInfo>> objects =
      ListObjects(location, call, contents.packing);
  if (!objects.ok()) return objects.status();
  std::vector<ObjectInfo> seen = *objects;
  if (manifest->has_value()) seen.push_back((*manifest)->info);
  if (signature->has_value()) seen.push_back((*signature)->info);
  contents.fingerprint = ListingFingerprint(seen);
  if (fingerprint != nullptr) *fingerprint = contents.fingerprint;
  if (manifest->has_value()) {
    const std::string url = store.Url(manifest_key);
    const absl::Status taken =
        RequiresSignature(options)
            ? TakeSignedManifest((*manifest)->bytes, url, *signature, store.Url(signature_key),
                                 *options.trusted_keys, contents)
            : TakeManifest((*manifest)->bytes, url, contents);
    if (!taken.ok()) return taken;
  }
  if (absl::Status taken = TakeObjects(location, *objects, contents); !taken.ok()) return taken;
  return contents;
}

}  // namespace tfserving_remote

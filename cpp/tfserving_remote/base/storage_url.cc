// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/base/storage_url.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tfserving_remote {
namespace {

absl::string_view WithoutTrailingSlashes(absl::string_view text) {
  while (absl::ConsumeSuffix(&text, "/")) {
  }
  return text;
}

absl::StatusOr<StorageUrl> ParseBucketUrl(absl::string_view scheme, absl::string_view rest) {
  const size_t slash = rest.find('/');
  const absl::string_view bucket = rest.substr(0, slash);
  absl::string_view key = slash == absl::string_view::npos ? "" : rest.substr(slash + 1);
  if (bucket.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", scheme, "://", rest, "\" names no bucket; write ", scheme, "://BUCKET/PREFIX"));
  }
  while (absl::ConsumePrefix(&key, "/")) {
  }
  return StorageUrl{std::string(scheme), std::string(bucket),
                    std::string(WithoutTrailingSlashes(key))};
}

absl::StatusOr<StorageUrl> ParsePath(absl::string_view path) {
  if (!absl::StartsWith(path, "/")) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", path, "\" is not an absolute path; write /FOLDER or file:///FOLDER"));
  }
  absl::string_view trimmed = WithoutTrailingSlashes(path);
  return StorageUrl{"file", "", trimmed.empty() ? "/" : std::string(trimmed)};
}

}  // namespace

absl::StatusOr<StorageUrl> StorageUrl::Parse(absl::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return absl::InvalidArgumentError("a storage URL may not hold control characters");
    }
  }
  const size_t colon = text.find("://");
  if (colon == absl::string_view::npos) return ParsePath(text);
  const absl::string_view scheme = text.substr(0, colon);
  const absl::string_view rest = text.substr(colon + 3);
  if (scheme == "s3" || scheme == "gs") return ParseBucketUrl(scheme, rest);
  if (scheme == "file") return ParsePath(rest);
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\": unknown scheme \"", scheme,
                   "\"; known are s3://, gs://, file:// and plain paths"));
}

StorageUrl StorageUrl::Child(absl::string_view relative) const {
  StorageUrl child = *this;
  const bool needs_slash = !child.key.empty() && !absl::EndsWith(child.key, "/");
  absl::StrAppend(&child.key, needs_slash ? "/" : "", relative);
  return child;
}

std::string StorageUrl::ToString() const {
  if (scheme == "file") return key;
  return absl::StrCat(scheme, "://", bucket, key.empty() ? "" : "/", key);
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/listing.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tfserving_remote {

absl::Status CheckListPrefix(absl::string_view prefix) {
  if (prefix.empty() || absl::EndsWith(prefix, "/")) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("LIST ", prefix, ": a prefix must be empty or end with '/'"));
}

void Normalise(Listing& listing) {
  std::vector<ObjectInfo>& objects = listing.objects;
  std::stable_sort(objects.begin(), objects.end(),
                   [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
  // unique() keeps the first of equals, so it runs from behind to keep the last.
  const auto first_kept =
      std::unique(objects.rbegin(), objects.rend(),
                  [](const ObjectInfo& a, const ObjectInfo& b) { return a.key == b.key; });
  objects.erase(objects.begin(), first_kept.base());
  std::sort(listing.prefixes.begin(), listing.prefixes.end());
  listing.prefixes.erase(std::unique(listing.prefixes.begin(), listing.prefixes.end()),
                         listing.prefixes.end());
}

void AddToOneLevel(absl::string_view prefix, ObjectInfo object, Listing& listing) {
  const size_t slash = object.key.find('/', prefix.size());
  if (slash == std::string::npos) {
    listing.objects.push_back(std::move(object));
    return;
  }
  std::string folder = object.key.substr(0, slash + 1);
  if (listing.prefixes.empty() || listing.prefixes.back() != folder) {
    listing.prefixes.push_back(std::move(folder));
  }
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/manifest/listing_fingerprint.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/manifest/digest.h"

namespace tfserving_remote {

std::string ListingFingerprint(const std::vector<ObjectInfo>& objects) {
  std::vector<const ObjectInfo*> sorted;
  sorted.reserve(objects.size());
  for (const ObjectInfo& object : objects) sorted.push_back(&object);
  std::sort(sorted.begin(), sorted.end(),
            [](const ObjectInfo* a, const ObjectInfo* b) { return a->key < b->key; });
  std::string text;
  for (const ObjectInfo* object : sorted) {
    // Lengths in front, so that no key or tag can imitate the boundary between two.
    absl::StrAppend(&text, object->key.size(), ":", object->key, object->size, ":",
                    object->tag.size(), ":", object->tag);
  }
  return ToHex(Sha256(text));
}

}  // namespace tfserving_remote

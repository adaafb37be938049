// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_MANIFEST_LISTING_FINGERPRINT_H_
#define TFSERVING_REMOTE_MANIFEST_LISTING_FINGERPRINT_H_

#include <string>
#include <vector>

#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// One short text for a set of objects: equal when names, sizes and tags are equal, in whatever
/// order. Pure.
std::string ListingFingerprint(const std::vector<ObjectInfo>& objects);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_MANIFEST_LISTING_FINGERPRINT_H_

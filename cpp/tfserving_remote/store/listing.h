// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_LISTING_H_
#define TFSERVING_REMOTE_STORE_LISTING_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// INVALID_ARGUMENT unless `prefix` is "" or ends with '/': what ObjectStore::List asks for.
absl::Status CheckListPrefix(absl::string_view prefix);

/// Sorts by key (bytes compared as unsigned) and drops duplicates. Of two entries with one key the
/// later one stays, since pages come in time order.
void Normalise(Listing& listing);

/// Puts an object that lies somewhere under `prefix` where a listing of one level shows it: among
/// the objects, or as the folder that holds it.
void AddToOneLevel(absl::string_view prefix, ObjectInfo object, Listing& listing);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_LISTING_H_

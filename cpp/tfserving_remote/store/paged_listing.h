// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_PAGED_LISTING_H_
#define TFSERVING_REMOTE_STORE_PAGED_LISTING_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// One page of a listing as a store sends it.
struct ListPage {
  Listing listing;
  /// Asks for the next page; empty on the last.
  std::string next_token;
};

using PageGetter = std::function<absl::StatusOr<ListPage>(const std::string& token)>;

/// Gets pages until the last, the first with an empty token. Sorts and drops duplicates. Errors of
/// the getter come back as they are; others are DATA_LOSS (a token that came before, a key outside
/// the prefix) or RESOURCE_EXHAUSTED. `url` is for messages.
absl::StatusOr<Listing> CollectPages(absl::string_view prefix, absl::string_view url,
                                     uint64_t max_objects, const PageGetter& get_page);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_PAGED_LISTING_H_

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/paged_listing.h"

#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/store/listing.h"
#include "tfserving_remote/store/store_status.h"

namespace tfserving_remote {
namespace {

bool InsidePrefix(absl::string_view prefix, const Listing& listing) {
  for (const ObjectInfo& object : listing.objects) {
    if (!absl::StartsWith(object.key, prefix)) return false;
  }
  for (const std::string& folder : listing.prefixes) {
    if (!absl::StartsWith(folder, prefix)) return false;
  }
  return true;
}

template <typename T>
void Append(std::vector<T>& to, std::vector<T> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

absl::StatusOr<Listing> CollectPages(absl::string_view prefix, absl::string_view url,
                                     uint64_t max_objects, const PageGetter& get_page) {
  Listing all;
  std::set<std::string> tokens;
  std::string token;
  do {
    absl::StatusOr<ListPage> page = get_page(token);
    if (!page.ok()) return page.status();
    if (!InsidePrefix(prefix, page->listing)) {
      return StoreError(absl::StatusCode::kDataLoss, "LIST", url,
                        "the listing shows a key that does not begin with the prefix");
    }
    Append(all.objects, std::move(page->listing.objects));
    Append(all.prefixes, std::move(page->listing.prefixes));
    if (all.objects.size() + all.prefixes.size() > max_objects) {
      return StoreError(
          absl::StatusCode::kResourceExhausted, "LIST", url,
          absl::StrCat("more than ", max_objects, " objects; is this the base path of a model?"));
    }
    token = std::move(page->next_token);
    // Some stores answer with the same page for ever.
    if (!token.empty() && !tokens.insert(token).second) {
      return StoreError(absl::StatusCode::kDataLoss, "LIST", url,
                        "the store sent the same page token twice");
    }
  } while (!token.empty());
  Normalise(all);
  return all;
}

}  // namespace tfserving_remote

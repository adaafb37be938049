// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/paged_listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace tfserving_remote {
namespace {

using ::testing::ElementsAre;

class PagedListingTest : public ::testing::Test {
 protected:
  absl::StatusOr<Listing> Collect(uint64_t max_objects = 100) {
    return CollectPages("m/", "s3://b/m/", max_objects,
                        [this](const std::string& token) -> absl::StatusOr<ListPage> {
                          const auto it = pages_.find(token);
                          if (it == pages_.end()) return absl::UnavailableError("no page");
                          return it->second;
                        });
  }

  std::map<std::string, ListPage> pages_;
};

TEST_F(PagedListingTest, JoinsPagesAlsoEmptyOnesAndSorts) {
  pages_[""] = {{{{"m/b", 1, "t1"}}, {"m/2/"}}, "p2"};
  pages_["p2"] = {{}, "p3"};
  pages_["p3"] = {{{{"m/a", 1, "t2"}}, {"m/1/"}}, ""};
  const absl::StatusOr<Listing> listing = Collect();
  ASSERT_TRUE(listing.ok()) << listing.status();
  EXPECT_THAT(listing->objects,
              ElementsAre(ObjectInfo{"m/a", 1, "t2"}, ObjectInfo{"m/b", 1, "t1"}));
  EXPECT_THAT(listing->prefixes, ElementsAre("m/1/", "m/2/"));
}

TEST_F(PagedListingTest, OfDuplicatesTheLaterStays) {
  pages_[""] = {{{{"m/a", 1, "old"}}, {"m/1/"}}, "p2"};
  pages_["p2"] = {{{{"m/a", 2, "new"}}, {"m/1/"}}, ""};
  const absl::StatusOr<Listing> listing = Collect();
  ASSERT_TRUE(listing.ok()) << listing.status();
  EXPECT_THAT(listing->objects, ElementsAre(ObjectInfo{"m/a", 2, "new"}));
  EXPECT_THAT(listing->prefixes, ElementsAre("m/1/"));
}

TEST_F(PagedListingTest, ARepeatedTokenEndsTheListing) {
  pages_[""] = {{}, "p2"};
  pages_["p2"] = {{}, "p2"};
  EXPECT_TRUE(absl::IsDataLoss(Collect().status()));
}

TEST_F(PagedListingTest, AFailedPageFailsAll) {
  pages_[""] = {{{{"m/a", 1, "t"}}, {}}, "missing"};
  EXPECT_TRUE(absl::IsUnavailable(Collect().status()));
}

TEST_F(PagedListingTest, AKeyOutsideThePrefixIsNoListingOfIt) {
  pages_[""] = {{{{"m2/a", 1, "t"}}, {}}, ""};
  EXPECT_TRUE(absl::IsDataLoss(Collect().status()));
}

TEST_F(PagedListingTest, StopsAtTheLimit) {
  pages_[""] = {{{{"m/a", 1, "t"}, {"m/b", 1, "t"}, {"m/c", 1, "t"}}, {}}, ""};
  EXPECT_TRUE(absl::IsResourceExhausted(Collect(2).status()));
}

}  // namespace
}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/manifest/listing_fingerprint.h"

#include <gtest/gtest.h>

namespace tfserving_remote {
namespace {

TEST(ListingFingerprintTest, DoesNotDependOnTheOrder) {
  EXPECT_EQ(ListingFingerprint({{"a", 1, "x"}, {"b", 2, "y"}}),
            ListingFingerprint({{"b", 2, "y"}, {"a", 1, "x"}}));
}

TEST(ListingFingerprintTest, ChangesWithEveryNameSizeAndTag) {
  const std::string fingerprint = ListingFingerprint({{"a", 1, "x"}});
  EXPECT_NE(fingerprint, ListingFingerprint({{"b", 1, "x"}}));
  EXPECT_NE(fingerprint, ListingFingerprint({{"a", 2, "x"}}));
  EXPECT_NE(fingerprint, ListingFingerprint({{"a", 1, "y"}}));
  EXPECT_NE(fingerprint, ListingFingerprint({}));
  EXPECT_NE(fingerprint, ListingFingerprint({{"a", 1, "x"}, {"a", 1, "x"}}));
}

TEST(ListingFingerprintTest, KeysCannotImitateTheBoundaryBetweenTwo) {
  EXPECT_NE(ListingFingerprint({{"a1:1:x", 1, "y"}}), ListingFingerprint({{"a", 1, "1:x1:1:y"}}));
}

}  // namespace
}  // namespace tfserving_remote

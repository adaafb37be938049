// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/load_ledger.h"

#include <gtest/gtest.h>

namespace tfserving_remote {
namespace {

TEST(LoadLedgerTest, CountsFailuresInARowAndKeepsTheLast) {
  LoadLedger ledger;
  ledger.RecordFailure("m", 1, absl::UnavailableError("first"), "f1", absl::UnixEpoch());
  ledger.RecordFailure("m", 1, absl::DataLossError("second"), "f2", absl::FromUnixSeconds(5));
  const auto failure = ledger.LastFailure("m", 1);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->failures, 2);
  EXPECT_EQ(failure->status.message(), "second");
  EXPECT_EQ(failure->fingerprint, "f2");
  EXPECT_EQ(failure->at, absl::FromUnixSeconds(5));
  EXPECT_FALSE(failure->can_heal);
}

TEST(LoadLedgerTest, KeepsVersionsAndModelsApart) {
  LoadLedger ledger;
  ledger.RecordFailure("m", 1, absl::UnavailableError("x"), "", absl::UnixEpoch());
  EXPECT_FALSE(ledger.LastFailure("m", 2).has_value());
  EXPECT_FALSE(ledger.LastFailure("n", 1).has_value());
}

TEST(LoadLedgerTest, ASuccessOrForgettingEndsTheRow) {
  LoadLedger ledger;
  ledger.RecordFailure("m", 1, absl::UnavailableError("x"), "", absl::UnixEpoch());
  ledger.RecordSuccess("m", 1);
  EXPECT_FALSE(ledger.LastFailure("m", 1).has_value());
  ledger.RecordFailure("m", 1, absl::UnavailableError("x"), "", absl::UnixEpoch());
  EXPECT_EQ(ledger.LastFailure("m", 1)->failures, 1);
  ledger.Forget("m", 1);
  EXPECT_FALSE(ledger.LastFailure("m", 1).has_value());
}

TEST(LoadLedgerTest, KnowsWhatOnlyOtherObjectsCanHeal) {
  EXPECT_TRUE(LoadLedger::CanHeal(absl::NotFoundError("shard")));
  EXPECT_TRUE(LoadLedger::CanHeal(absl::FailedPreconditionError("changed")));
  EXPECT_TRUE(LoadLedger::CanHeal(absl::PermissionDeniedError("key")));
  EXPECT_TRUE(LoadLedger::CanHeal(absl::ResourceExhaustedError("memory")));
  EXPECT_FALSE(LoadLedger::CanHeal(absl::DataLossError("digest")));
  EXPECT_FALSE(LoadLedger::CanHeal(absl::InvalidArgumentError("manifest")));
}

}  // namespace
}  // namespace tfserving_remote

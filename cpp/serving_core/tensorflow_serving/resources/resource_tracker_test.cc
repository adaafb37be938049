// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/resources/resource_tracker.h"

#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/test_util/resource_text.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::AllocationOf;
using test_util::TextOf;
using ::testing::HasSubstr;

// Needs what it is told to.
class EstimateOnly final : public Loader {
 public:
  explicit EstimateOnly(const std::string& estimate) : estimate_(AllocationOf(estimate)) {}
  explicit EstimateOnly(const absl::Status& error) : error_(error) {}

  absl::Status EstimateResources(ResourceAllocation* estimate) const override {
    *estimate = estimate_;
    return error_;
  }
  void Unload() override {}
  AnyPtr servable() override { return {}; }

 private:
  const ResourceAllocation estimate_;
  const absl::Status error_;
};

absl::Status Make(const std::string& total, std::unique_ptr<ResourceTracker>* tracker) {
  const ResourceUtil::Options options{{{"main", 1}, {"gpu", 2}}};
  return ResourceTracker::Create(AllocationOf(total), std::make_unique<ResourceUtil>(options),
                                 tracker);
}

class ResourceTrackerTest : public ::testing::Test {
 protected:
  ResourceTrackerTest() {
    EXPECT_TRUE(Make("main/ram=10 gpu:0/ram=16 gpu:1/ram=16", &tracker_).ok());
  }
  bool Reserve(const std::string& estimate) {
    bool success = false;
    const absl::Status status = tracker_->ReserveResources(EstimateOnly(estimate), &success);
    EXPECT_TRUE(status.ok()) << status;
    return success;
  }

  std::unique_ptr<ResourceTracker> tracker_;
};

TEST_F(ResourceTrackerTest, NeedsATotalThatIsValidAndBound) {
  std::unique_ptr<ResourceTracker> tracker;
  EXPECT_TRUE(Make("main/ram=10", &tracker).ok());  // has only one instance to be bound to
  EXPECT_EQ(TextOf(tracker->total_resources()), "main:0/ram=10");
  EXPECT_EQ(TextOf(tracker->used_resources()), "");
  for (const char* const total : {"gpu/ram=16", "disk/ram=1", "main/ram=1 main/ram=1"}) {
    tracker.reset();
    EXPECT_TRUE(absl::IsInvalidArgument(Make(total, &tracker))) << total;
    EXPECT_EQ(tracker, nullptr);
  }
  EXPECT_TRUE(absl::IsInvalidArgument(
      ResourceTracker::Create(AllocationOf("main/ram=1"), nullptr, &tracker)));
}

TEST_F(ResourceTrackerTest, ReservesWhatFitsAndNothingElse) {
  EXPECT_TRUE(Reserve("main/ram=6"));
  EXPECT_FALSE(Reserve("main/ram=5"));
  EXPECT_EQ(TextOf(tracker_->used_resources()), "main:0/ram=6");
  EXPECT_TRUE(Reserve("main/ram=4 gpu:1/ram=16"));
  EXPECT_TRUE(Reserve(""));
  EXPECT_FALSE(Reserve("main/ram=1"));
  EXPECT_FALSE(Reserve("main/slots=1"));
  EXPECT_EQ(TextOf(tracker_->used_resources()), "gpu:1/ram=16 main:0/ram=10");
}

TEST_F(ResourceTrackerTest, FindsAnInstanceForWhatIsUnbound) {
  EXPECT_TRUE(Reserve("gpu:0/ram=10"));
  EXPECT_TRUE(Reserve("gpu/ram=12"));  // on gpu:1
  EXPECT_EQ(TextOf(tracker_->used_resources()), "gpu/ram=12 gpu:0/ram=10");
}

TEST_F(ResourceTrackerTest, CountsWhatIsUnboundOnEveryInstance) {
  EXPECT_TRUE(Reserve("gpu/ram=12"));
  // Whichever it went to, 4 are free on each; it may be that 16 are on one, but nobody knows.
  EXPECT_FALSE(Reserve("gpu/ram=5"));
  EXPECT_FALSE(Reserve("gpu:0/ram=5"));
  EXPECT_FALSE(Reserve("gpu:1/ram=5"));
  EXPECT_TRUE(Reserve("gpu:1/ram=4"));
}

TEST_F(ResourceTrackerTest, CountsAnewFromThePresentEstimates) {
  EXPECT_TRUE(Reserve("main/ram=10"));
  const EstimateOnly a("main/ram=3");
  const EstimateOnly b("main/ram=2 gpu:1/ram=1");
  EXPECT_TRUE(tracker_->RecomputeUsedResources({&a, &b}).ok());
  EXPECT_EQ(TextOf(tracker_->used_resources()), "gpu:1/ram=1 main:0/ram=5");
  EXPECT_TRUE(tracker_->RecomputeUsedResources({}).ok());
  EXPECT_EQ(TextOf(tracker_->used_resources()), "");
}

TEST_F(ResourceTrackerTest, HandsErrorsOnAndReservesNothing) {
  EXPECT_TRUE(Reserve("main/ram=1"));
  const EstimateOnly broken(absl::UnavailableError("store is away"));
  const EstimateOnly invalid("disk/ram=1");
  bool success = true;
  EXPECT_EQ(tracker_->ReserveResources(broken, &success), absl::UnavailableError("store is away"));
  EXPECT_FALSE(success);
  const absl::Status status = tracker_->ReserveResources(invalid, &success);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Invalid resource allocation: "));
  const EstimateOnly fine("main/ram=5");
  EXPECT_TRUE(absl::IsUnavailable(tracker_->RecomputeUsedResources({&fine, &broken})));
  EXPECT_TRUE(absl::IsInvalidArgument(tracker_->RecomputeUsedResources({&fine, &invalid})));
  EXPECT_EQ(TextOf(tracker_->used_resources()), "main:0/ram=1");
}

TEST_F(ResourceTrackerTest, DoesNotWrapAroundWhereMemoryIsUnlimited) {
  ASSERT_TRUE(Make("main/ram=max", &tracker_).ok());
  EXPECT_TRUE(Reserve("main/ram=max"));
  EXPECT_TRUE(Reserve("main/ram=max"));
  ASSERT_TRUE(Make("main/ram=100", &tracker_).ok());
  EXPECT_TRUE(Reserve("main/ram=100"));
  EXPECT_FALSE(Reserve("main/ram=max"));
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

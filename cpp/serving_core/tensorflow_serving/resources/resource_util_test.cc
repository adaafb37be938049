// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/resources/resource_util.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/core/test_util/resource_text.h"
#include "tensorflow_serving/resources/resource_values.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::AllocationOf;
using test_util::ResourceOf;
using test_util::TextOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// One host, two GPUs, and a kind of device that is known of and not there.
class ResourceUtilTest : public ::testing::Test {
 protected:
  const ResourceUtil util_{ResourceUtil::Options{{{"main", 1}, {"gpu", 2}, {"tpu", 0}}}};
};

TEST_F(ResourceUtilTest, JudgesValidity) {
  struct Case {
    const char* allocation;
    const char* complaint;  // empty: valid
  };
  const Case cases[] = {
      {"", ""},
      {"main/ram=1 main/slots=1 gpu/ram=1 gpu:0/ram=1 gpu:1/ram=1", ""},
      {"main:0/ram=0", ""},
      {"disk/ram=1", "there is no device \"disk\""},
      {"tpu/ram=1", "there is no device \"tpu\""},
      {"/ram=1", "there is no device \"\""},
      {"main:1/ram=1", "there is no device instance main:1"},
      {"gpu:2/ram=1", "there is no device instance gpu:2"},
      {"gpu/ram=1 gpu/ram=1", "repeated resource gpu/ram"},
      {"gpu:1/ram=1 gpu:0/ram=1 gpu:1/ram=0", "repeated resource gpu:1/ram"},
      {"main/ram=1 main:0/ram=1", "repeated resource main:0/ram"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.allocation);
    const absl::Status status = util_.VerifyValidity(AllocationOf(c.allocation));
    if (*c.complaint == '\0') {
      EXPECT_TRUE(status.ok()) << status;
      continue;
    }
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_THAT(std::string(status.message()),
                StartsWith(absl::StrCat("Invalid resource allocation: ", c.complaint)));
  }
  EXPECT_TRUE(util_.VerifyResourceValidity(ResourceOf("gpu:1/ram")).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(util_.VerifyResourceValidity(ResourceOf("gpu:2/ram"))));
}

TEST_F(ResourceUtilTest, AnOverrideStaysOnTheDevicesOfItsBase) {
  struct Case {
    const char* base;
    const char* override_allocation;
    bool valid;
  };
  const Case cases[] = {
      {"main/ram=5", "", true},
      {"main/ram=5", "main/ram=9", true},
      {"main/ram=5", "main:0/slots=1", true},  // the same place under another spelling
      {"gpu:1/ram=5", "gpu:1/ram=9", true},
      {"gpu:1/ram=5", "gpu:0/ram=5", false},
      {"gpu:1/ram=5", "gpu/ram=5", false},
      {"gpu/ram=5", "gpu:1/ram=5", false},
      {"main/ram=5", "gpu/ram=5", false},
      {"", "main/ram=1", false},
      {"disk/ram=5", "", false},
      {"main/ram=5", "main/ram=1 main/ram=1", false},
  };
  for (const Case& c : cases) {
    const absl::Status status = util_.VerifyOverrideDeviceValidity(
        AllocationOf(c.base), AllocationOf(c.override_allocation));
    EXPECT_EQ(status.ok(), c.valid) << c.base << " | " << c.override_allocation << ": " << status;
    if (!c.valid) {
      EXPECT_THAT(std::string(status.message()), HasSubstr("Invalid resource allocation: "));
    }
  }
}

TEST_F(ResourceUtilTest, NormalFormHasNoZerosAndBindsWhatHasNoChoice) {
  struct Case {
    const char* allocation;
    const char* normalized;
    bool is_bound;
  };
  const Case cases[] = {
      {"", "", true},
      {"main/ram=0 gpu:1/ram=0 gpu/ram=0", "", true},
      {"main/ram=3", "main:0/ram=3", true},
      {"main:0/ram=3", "main:0/ram=3", true},
      {"gpu/ram=3", "gpu/ram=3", false},
      {"gpu:1/ram=3 main/slots=1", "gpu:1/ram=3 main:0/slots=1", true},
      {"gpu:1/ram=3 gpu/ram=4", "gpu/ram=4 gpu:1/ram=3", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.allocation);
    const ResourceAllocation allocation = AllocationOf(c.allocation);
    EXPECT_EQ(TextOf(util_.Normalize(allocation)), c.normalized);
    EXPECT_EQ(TextOf(util_.NormalizeResourceAllocation(allocation)), c.normalized);
    EXPECT_TRUE(util_.IsNormalized(util_.Normalize(allocation)));
    EXPECT_EQ(util_.IsBound(allocation), c.is_bound);
  }
  EXPECT_FALSE(util_.IsNormalized(AllocationOf("main/ram=3")));
  EXPECT_FALSE(util_.IsNormalized(AllocationOf("gpu:1/ram=0")));
}

TEST_F(ResourceUtilTest, ReadsAndWritesSingleQuantities) {
  ResourceAllocation allocation = AllocationOf("main/ram=3 gpu/ram=4 gpu:1/ram=5");
  EXPECT_EQ(util_.GetQuantity(ResourceOf("main/ram"), allocation), 3);
  EXPECT_EQ(util_.GetQuantity(ResourceOf("main:0/ram"), allocation), 3);
  EXPECT_EQ(util_.GetQuantity(ResourceOf("gpu/ram"), allocation), 4);
  EXPECT_EQ(util_.GetQuantity(ResourceOf("gpu:0/ram"), allocation), 0);
  EXPECT_EQ(util_.GetQuantity(util_.CreateBoundResource("gpu", "ram", 1), allocation), 5);
  EXPECT_EQ(util_.GetQuantity(ResourceOf("main/slots"), allocation), 0);

  util_.SetQuantity(ResourceOf("main/ram"), 7, &allocation);
  util_.SetQuantity(util_.CreateBoundResource("main", "slots"), 1, &allocation);
  util_.SetQuantity(ResourceOf("gpu:1/ram"), 0, &allocation);
  util_.SetQuantity(ResourceOf("gpu:0/ram"), 0, &allocation);
  EXPECT_EQ(TextOf(allocation), "gpu/ram=4 main:0/ram=7 main:0/slots=1");
}

TEST_F(ResourceUtilTest, ComparesWithoutRegardToOrderAndSpelling) {
  EXPECT_TRUE(util_.Equal(AllocationOf("main/ram=3 gpu:1/ram=4 gpu/ram=0"),
                          AllocationOf("gpu:1/ram=4 main:0/ram=3")));
  EXPECT_FALSE(util_.Equal(AllocationOf("gpu:1/ram=4"), AllocationOf("gpu/ram=4")));
  EXPECT_FALSE(util_.Equal(AllocationOf("gpu:1/ram=4"), AllocationOf("gpu:1/ram=5")));
  EXPECT_FALSE(util_.Equal(AllocationOf("main/ram=3"), AllocationOf("main/ram=3 gpu/ram=1")));
  EXPECT_FALSE(util_.Equal(AllocationOf("main/ram=3"), AllocationOf("main/slots=3")));
  EXPECT_TRUE(util_.ResourcesEqual(ResourceOf("main/ram"), ResourceOf("main:0/ram")));
  EXPECT_FALSE(util_.ResourcesEqual(ResourceOf("gpu/ram"), ResourceOf("gpu:0/ram")));
  EXPECT_FALSE(util_.ResourcesEqual(ResourceOf("gpu:1/ram"), ResourceOf("gpu:0/ram")));
}

TEST_F(ResourceUtilTest, AddsUpToTheGreatestNumberThereIs) {
  ResourceAllocation sum = AllocationOf("main/ram=3 gpu/ram=1");
  util_.Add(AllocationOf("main:0/ram=4 gpu:1/ram=5 main/slots=0"), &sum);
  EXPECT_EQ(TextOf(sum), "gpu/ram=1 gpu:1/ram=5 main:0/ram=7");
  util_.Add(AllocationOf("main/ram=max"), &sum);
  EXPECT_EQ(TextOf(sum), "gpu/ram=1 gpu:1/ram=5 main:0/ram=max");
}

TEST_F(ResourceUtilTest, SubtractsAllOrNothing) {
  ResourceAllocation rest = AllocationOf("main/ram=7 gpu/ram=1 gpu:1/ram=5");
  EXPECT_TRUE(util_.Subtract(AllocationOf("main:0/ram=7 gpu:1/ram=2"), &rest));
  EXPECT_EQ(TextOf(rest), "gpu/ram=1 gpu:1/ram=3");
  for (const char* const too_much :
       {"gpu/ram=1 gpu:1/ram=4", "gpu:0/ram=1", "gpu/ram=1 main/ram=1", "gpu/ram=2"}) {
    EXPECT_FALSE(util_.Subtract(AllocationOf(too_much), &rest)) << too_much;
    EXPECT_EQ(TextOf(rest), "gpu/ram=1 gpu:1/ram=3");
  }
}

TEST_F(ResourceUtilTest, Multiplies) {
  ResourceAllocation product = AllocationOf("main/ram=7 gpu/ram=1");
  util_.Multiply(3, &product);
  EXPECT_EQ(TextOf(product), "gpu/ram=3 main:0/ram=21");
  util_.Multiply(~uint64_t{0} / 4, &product);
  EXPECT_EQ(TextOf(product), absl::StrCat("gpu/ram=", ~uint64_t{0} / 4 * 3, " main:0/ram=max"));
  util_.Multiply(0, &product);
  EXPECT_EQ(TextOf(product), "");
}

TEST_F(ResourceUtilTest, SaysWhatFits) {
  struct Case {
    const char* needed;
    const char* available;
    bool fits;
  };
  const Case cases[] = {
      {"", "", true},
      {"", "main/ram=1", true},
      {"main/ram=1", "", false},
      {"main/ram=3", "main/ram=3", true},
      {"main/ram=4", "main/ram=3", false},
      {"main/ram=3 main/slots=1", "main/ram=3", false},
      {"main/ram=max", "main/ram=max", true},
      // Unbound: as a whole, on some instance.
      {"gpu/ram=3", "gpu:0/ram=2 gpu:1/ram=3", true},
      {"gpu/ram=3", "gpu:0/ram=2 gpu:1/ram=2", false},
      {"gpu/ram=1", "main/ram=9", false},
      // ... beside what is bound there.
      {"gpu/ram=3 gpu:1/ram=1", "gpu:0/ram=2 gpu:1/ram=3", false},
      {"gpu/ram=3 gpu:1/ram=1", "gpu:0/ram=3 gpu:1/ram=1", true},
      {"gpu:0/ram=3", "gpu:1/ram=9", false},
      {"tpu/ram=1", "main/ram=9", false},
      {"tpu/ram=0", "main/ram=9", true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(util_.LessThanOrEqual(AllocationOf(c.needed), AllocationOf(c.available)), c.fits)
        << c.needed << " | " << c.available;
  }
}

TEST_F(ResourceUtilTest, OverbindsToEveryInstance) {
  EXPECT_EQ(TextOf(util_.Overbind(AllocationOf("main/ram=1"))), "main:0/ram=1");
  EXPECT_EQ(TextOf(util_.Overbind(AllocationOf("gpu/ram=2 gpu:1/ram=3 gpu/slots=1"))),
            "gpu:0/ram=2 gpu:0/slots=1 gpu:1/ram=5 gpu:1/slots=1");
  EXPECT_EQ(TextOf(util_.Overbind(AllocationOf("tpu/ram=2"))), "");
}

TEST_F(ResourceUtilTest, TakesTheGreaterAndTheLesserOfEach) {
  const ResourceAllocation a = AllocationOf("main/ram=3 gpu/ram=4 gpu:1/ram=5");
  const ResourceAllocation b = AllocationOf("main:0/ram=4 gpu/ram=2 gpu:0/ram=6");
  EXPECT_EQ(TextOf(util_.Max(a, b)), "gpu/ram=4 gpu:0/ram=6 gpu:1/ram=5 main:0/ram=4");
  EXPECT_EQ(TextOf(util_.Min(a, b)), "gpu/ram=2 main:0/ram=3");
  EXPECT_EQ(TextOf(util_.Max(b, a)), TextOf(util_.Max(a, b)));
  EXPECT_EQ(TextOf(util_.Min(b, a)), TextOf(util_.Min(a, b)));
}

// Counts the host's memory in whole megabytes.
class RoundingUtil : public ResourceUtil {
 public:
  using ResourceUtil::ResourceUtil;
  ResourceAllocation Normalize(const ResourceAllocation& allocation) const override {
    ResourceAllocation rounded = NormalizeResourceAllocation(allocation);
    for (auto& entry : *rounded.mutable_resource_quantities()) {
      entry.set_quantity((entry.quantity() + 999999) / 1000000 * 1000000);
    }
    return rounded;
  }
};

TEST_F(ResourceUtilTest, ADerivedClassMayHaveANormalFormOfItsOwn) {
  const RoundingUtil util(ResourceUtil::Options{{{"main", 1}}});
  ResourceAllocation sum = AllocationOf("main/ram=1");
  util.Add(AllocationOf("main/ram=1000001"), &sum);
  EXPECT_EQ(TextOf(sum), "main:0/ram=3000000");
}

TEST(ResourceValuesTest, AreThoseOfTheProtocol) {
  EXPECT_STREQ(device_types::kMain, "main");
  EXPECT_STREQ(device_types::kGpu, "gpu");
  EXPECT_STREQ(device_types::kTpu, "tpu");
  EXPECT_STREQ(resource_kinds::kNumModelSlots, "num_model_slots");
  EXPECT_STREQ(resource_kinds::kNumLoraSlots, "num_lora_slots");
  EXPECT_STREQ(resource_kinds::kRamBytes, "ram_in_bytes");
  EXPECT_STREQ(resource_kinds::kPeakRamBytes, "peak_ram_in_bytes");
  EXPECT_STREQ(resource_kinds::kModelSteadyRamBytes, "model_steady_ram_in_bytes");
  EXPECT_STREQ(resource_kinds::kModelInitRamBytes, "model_init_ram_in_bytes");
  EXPECT_STREQ(resource_kinds::kHeapRamBytes, "heap_ram_in_bytes");
  EXPECT_STREQ(resource_kinds::kSteadyHeapRamBytes, "steady_heap_ram_in_bytes");
  EXPECT_STREQ(resource_kinds::kSharedHeapRamBytes, "shared_heap_ram_in_bytes");
  EXPECT_STREQ(resource_kinds::kStackRamBytes, "stack_ram_in_bytes");
  EXPECT_STREQ(resource_kinds::kReservedRamBytes, "reserved_ram_in_bytes");
  EXPECT_STREQ(resource_kinds::kSystemRamBytes, "system_ram_in_bytes");
  EXPECT_STREQ(resource_kinds::kModelBinaryRamBytes, "model_binary_ram_in_bytes");
  EXPECT_STREQ(resource_kinds::kProcessingMillis, "processing_in_millicores");
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

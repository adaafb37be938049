// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/simple_loader.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "tensorflow_serving/servables/servable.h"

namespace tensorflow {
namespace serving {
namespace {

using StringLoader = SimpleLoader<std::string>;

ResourceAllocation Ram(uint64_t bytes) {
  ResourceAllocation allocation;
  ResourceAllocation::Entry* const entry = allocation.add_resource_quantities();
  entry->mutable_resource()->set_device("main");
  entry->mutable_resource()->set_kind("ram_in_bytes");
  entry->set_quantity(bytes);
  return allocation;
}

TEST(SimpleLoaderTest, MakesTheServableAndDestroysIt) {
  auto shared = std::make_shared<int>(1);
  SimpleLoader<std::shared_ptr<int>> loader(
      SimpleLoader<std::shared_ptr<int>>::Creator([&](std::unique_ptr<std::shared_ptr<int>>* out) {
        *out = std::make_unique<std::shared_ptr<int>>(shared);
        return absl::OkStatus();
      }),
      SimpleLoader<std::shared_ptr<int>>::EstimateNoResources());
  ASSERT_TRUE(loader.LoadWithMetadata({{"m", 1}}).ok());
  EXPECT_EQ(**loader.servable().get<std::shared_ptr<int>>(), 1);
  EXPECT_EQ(loader.model_type(), ServableModelType::kUnspecified);
  loader.Unload();
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(SimpleLoaderTest, HandsMetadataToACreatorThatWantsIt) {
  StringLoader loader(StringLoader::CreatorWithMetadata([](const Loader::Metadata& metadata,
                                                           std::unique_ptr<std::string>* out) {
                        *out = std::make_unique<std::string>(metadata.servable_id.DebugString());
                        return absl::OkStatus();
                      }),
                      StringLoader::EstimateNoResources());
  EXPECT_TRUE(absl::IsFailedPrecondition(loader.Load()));
  ASSERT_TRUE(loader.LoadWithMetadata({{"m", 1}}).ok());
  EXPECT_EQ(*loader.servable().get<std::string>(), "{name: m version: 1}");
  loader.Unload();
}

TEST(SimpleLoaderTest, KeepsTheFirstEstimateUntilThePostLoadOneReplacesIt) {
  int estimates = 0;
  const auto create = [](std::unique_ptr<std::string>* out) {
    *out = std::make_unique<std::string>("x");
    return absl::OkStatus();
  };
  StringLoader loader(
      StringLoader::Creator(create),
      [&](ResourceAllocation* estimate) {
        *estimate = Ram(1000);
        return ++estimates == 1 ? absl::UnavailableError("not yet") : absl::OkStatus();
      },
      [](ResourceAllocation* estimate) {
        *estimate = Ram(10);
        return absl::OkStatus();
      });
  ResourceAllocation estimate;
  EXPECT_TRUE(absl::IsUnavailable(loader.EstimateResources(&estimate)));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(loader.EstimateResources(&estimate).ok());
  EXPECT_EQ(internal::RamBytes(estimate), 1000);
  EXPECT_EQ(estimates, 2);
  ASSERT_TRUE(loader.Load().ok());
  ASSERT_TRUE(loader.EstimateResources(&estimate).ok());
  EXPECT_EQ(internal::RamBytes(estimate), 10);
  loader.Unload();
}

TEST(SimpleLoaderTest, AsksNobodyForAnEstimateInOrderToUnload) {
  int estimates = 0;
  StringLoader loader(StringLoader::Creator([](std::unique_ptr<std::string>* out) {
                        *out = std::make_unique<std::string>("x");
                        return absl::OkStatus();
                      }),
                      [&](ResourceAllocation*) {
                        ++estimates;
                        return absl::UnavailableError("the store does not answer");
                      });
  ASSERT_TRUE(loader.Load().ok());
  loader.Unload();
  EXPECT_EQ(loader.servable().get<std::string>(), nullptr);
  EXPECT_EQ(estimates, 0);
}

TEST(SimpleLoaderTest, ReportsTheCreatorsError) {
  StringLoader loader(StringLoader::Creator([](std::unique_ptr<std::string>*) {
                        return absl::DataLossError("truncated");
                      }),
                      StringLoader::EstimateNoResources());
  EXPECT_EQ(loader.LoadWithMetadata({{"m", 1}}), absl::DataLossError("truncated"));
}

// A servable that says itself what it is.
class TypedServable final : public Servable {
 public:
  TypedServable() : Servable("typed", 1) {}
  ServableModelType model_type() const override { return ServableModelType::kTensorflow; }
};

TEST(SimpleLoaderTest, TellsTheModelTypeOfALoadedServable) {
  const auto create = [](auto* out) {
    *out = std::make_unique<TypedServable>();
    return absl::OkStatus();
  };
  SimpleLoader<TypedServable> loader(SimpleLoader<TypedServable>::Creator(create),
                                     SimpleLoader<TypedServable>::EstimateNoResources());
  EXPECT_EQ(loader.model_type(), ServableModelType::kUnspecified);
  ASSERT_TRUE(loader.Load().ok());
  EXPECT_EQ(loader.model_type(), ServableModelType::kTensorflow);
  loader.Unload();
  EXPECT_EQ(loader.model_type(), ServableModelType::kUnspecified);

  SimpleLoader<Servable> untyped(SimpleLoader<Servable>::Creator(create),
                                 SimpleLoader<Servable>::EstimateNoResources());
  ASSERT_TRUE(untyped.Load().ok());
  EXPECT_EQ(untyped.model_type(), ServableModelType::kTensorflow);
  untyped.Unload();
}

TEST(SimpleLoaderTest, MayBeAskedForItsEstimateWhileItLoads) {
  std::atomic<bool> loading{true};
  const auto estimate_ram = [](uint64_t bytes) {
    return [bytes](ResourceAllocation* estimate) {
      *estimate = Ram(bytes);
      return absl::OkStatus();
    };
  };
  StringLoader loader(StringLoader::Creator([](std::unique_ptr<std::string>* out) {
                        *out = std::make_unique<std::string>("x");
                        return absl::OkStatus();
                      }),
                      estimate_ram(1000), estimate_ram(10));
  std::thread asker([&] {
    uint64_t last = 1000;
    while (loading) {
      ResourceAllocation estimate;
      EXPECT_TRUE(loader.EstimateResources(&estimate).ok());
      EXPECT_LE(internal::RamBytes(estimate), last);  // never grows
      last = internal::RamBytes(estimate);
    }
  });
  ASSERT_TRUE(loader.Load().ok());
  loader.Unload();
  loading = false;
  asker.join();
}

class PathAdapter final : public SimpleLoaderSourceAdapter<StoragePath, std::string> {
 public:
  PathAdapter()
      : SimpleLoaderSourceAdapter(
            [](const StoragePath& path, std::unique_ptr<std::string>* out) {
              *out = std::make_unique<std::string>("loaded " + path);
              return absl::OkStatus();
            },
            EstimateNoResources()) {}
  ~PathAdapter() override { TargetBase<StoragePath>::Detach(); }
};

TEST(SimpleLoaderSourceAdapterTest, EmitsLoadersThatOutliveIt) {
  auto adapter = std::make_unique<PathAdapter>();
  ServableData<std::unique_ptr<Loader>> adapted =
      adapter->AdaptOneVersion(ServableData<StoragePath>({"m", 1}, "/m/1"));
  adapter.reset();
  const std::unique_ptr<Loader> loader = adapted.ConsumeDataOrDie();
  ASSERT_TRUE(loader->Load().ok());
  EXPECT_EQ(*loader->servable().get<std::string>(), "loaded /m/1");
  loader->Unload();
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/tensorflow/thread_pool_factory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "google/protobuf/wrappers.pb.h"
#include "tensorflow_serving/servables/tensorflow/saved_model_bundle_factory.h"
#include "tensorflow_serving/servables/tensorflow/test_models.h"
#include "tensorflow_serving/servables/tensorflow/thread_pool_factory_config.pb.h"

namespace tensorflow {
namespace serving {
namespace {

using test_util::TestModelFolder;
using ::testing::IsNull;

// Runs what it is given at once, and counts it.
class CountingPool final : public thread::ThreadPoolInterface {
 public:
  void Schedule(std::function<void()> fn) override {
    ++scheduled_;
    fn();
  }
  int NumThreads() const override { return 1; }
  int CurrentThreadId() const override { return -1; }
  int scheduled() const { return scheduled_; }

 private:
  std::atomic<int> scheduled_ = 0;
};

// Configured with a number that its users can ask for again.
class CountingFactory final : public ThreadPoolFactory {
 public:
  static absl::Status Create(const google::protobuf::Int32Value& config,
                             std::unique_ptr<ThreadPoolFactory>* factory) {
    if (config.value() < 0) return absl::InvalidArgumentError("below zero");
    *factory = std::make_unique<CountingFactory>(config.value());
    return absl::OkStatus();
  }

  explicit CountingFactory(int number) : number_(number) {}
  ScopedThreadPools GetThreadPools() override { return ScopedThreadPools(inter_, intra_); }

  int number() const { return number_; }
  const std::shared_ptr<CountingPool>& inter() const { return inter_; }
  const std::shared_ptr<CountingPool>& intra() const { return intra_; }

 private:
  const int number_;
  const std::shared_ptr<CountingPool> inter_ = std::make_shared<CountingPool>();
  const std::shared_ptr<CountingPool> intra_ = std::make_shared<CountingPool>();
};

REGISTER_THREAD_POOL_FACTORY(CountingFactory, google::protobuf::Int32Value)

absl::Status MakeFactory(int number, std::unique_ptr<ThreadPoolFactory>* factory) {
  google::protobuf::Int32Value value;
  value.set_value(number);
  ThreadPoolFactoryConfig config;
  config.mutable_thread_pool_factory_config()->PackFrom(value);
  return ThreadPoolFactoryRegistry::CreateFromAny(config.thread_pool_factory_config(), factory);
}

TEST(ThreadPoolFactoryTest, IsMadeFromItsConfiguration) {
  std::unique_ptr<ThreadPoolFactory> factory;
  const absl::Status created = MakeFactory(4, &factory);
  ASSERT_TRUE(created.ok()) << created;
  EXPECT_EQ(dynamic_cast<CountingFactory&>(*factory).number(), 4);
}

TEST(ThreadPoolFactoryTest, IsNotMadeFromABadOrUnknownConfiguration) {
  std::unique_ptr<ThreadPoolFactory> factory;
  EXPECT_TRUE(absl::IsInvalidArgument(MakeFactory(-1, &factory)));
  EXPECT_TRUE(absl::IsInvalidArgument(
      ThreadPoolFactoryRegistry::Create(google::protobuf::StringValue(), &factory)));
  EXPECT_THAT(factory, IsNull());
}

TEST(ThreadPoolFactoryTest, ItsPoolsLiveAsLongAsWhoeverRunsInThem) {
  std::unique_ptr<ThreadPoolFactory> factory;
  ASSERT_TRUE(MakeFactory(0, &factory).ok());
  const std::weak_ptr<CountingPool> inter = dynamic_cast<CountingFactory&>(*factory).inter();
  {
    ScopedThreadPools pools = factory->GetThreadPools();
    factory.reset();
    ASSERT_FALSE(inter.expired());
    EXPECT_EQ(pools.get().inter_op_threadpool, inter.lock().get());
    EXPECT_NE(pools.get().intra_op_threadpool, pools.get().inter_op_threadpool);
  }
  EXPECT_TRUE(inter.expired());
}

TEST(ThreadPoolFactoryTest, WithoutPoolsASessionRunsInItsOwn) {
  ScopedThreadPools none;
  EXPECT_THAT(none.get().inter_op_threadpool, IsNull());
  EXPECT_THAT(none.get().intra_op_threadpool, IsNull());
}

TEST(ThreadPoolFactoryTest, ModelsRunInItsPoolsUnlessTheConfigurationForbidsIt) {
  for (const bool forbidden : {false, true}) {
    SessionBundleConfig config;
    config.set_wrap_session_with_no_threading_params(forbidden);
    std::unique_ptr<SavedModelBundleFactory> models;
    std::unique_ptr<SavedModelBundle> bundle;
    ASSERT_TRUE(SavedModelBundleFactory::Create(config, &models).ok());
    ASSERT_TRUE(models->CreateSavedModelBundle(TestModelFolder("half_plus_two"), &bundle).ok());
    const SignatureDef& signature = bundle->GetSignatures().at("serving_default");
    CountingFactory factory(0);
    std::vector<Tensor> y;
    const absl::Status ran = bundle->GetSession()->Run(
        {}, {{signature.inputs().at("x").name(), Tensor(DT_FLOAT, {1, 1})}},
        {signature.outputs().at("y").name()}, {}, &y, nullptr, factory.GetThreadPools().get());
    ASSERT_TRUE(ran.ok()) << ran;
    EXPECT_EQ(factory.inter()->scheduled() == 0, forbidden);
  }
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

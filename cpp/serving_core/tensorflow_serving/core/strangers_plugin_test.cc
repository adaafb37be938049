// SPDX-License-Identifier: Apache-2.0
// A plugin as strangers write it: every public class of the core, used through nothing but the
// headers and names that TensorFlow Serving documents. What matters is that it compiles.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "google/protobuf/any.pb.h"
#include "gtest/gtest.h"
#include "tensorflow_serving/config/file_system_storage_path_source.pb.h"
#include "tensorflow_serving/config/log_collector_config.pb.h"
#include "tensorflow_serving/core/aspired_version_policy.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/aspired_versions_manager_builder.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/caching_manager.h"
#include "tensorflow_serving/core/dynamic_source_router.h"
#include "tensorflow_serving/core/load_servables_fast.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/manager_wrapper.h"
#include "tensorflow_serving/core/prefix_storage_path_source_adapter.h"
#include "tensorflow_serving/core/resource_preserving_policy.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/servable_handle.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/core/servable_model_type.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/core/servable_state_monitor.h"
#include "tensorflow_serving/core/simple_loader.h"
#include "tensorflow_serving/core/source.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/core/source_router.h"
#include "tensorflow_serving/core/static_manager.h"
#include "tensorflow_serving/core/static_source_router.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tensorflow_serving/core/target.h"
#include "tensorflow_serving/core/test_util/availability_test_util.h"
#include "tensorflow_serving/core/test_util/fake_loader.h"
#include "tensorflow_serving/core/test_util/fake_loader_source_adapter.h"
#include "tensorflow_serving/core/test_util/manager_test_util.h"
#include "tensorflow_serving/core/test_util/mock_loader.h"
#include "tensorflow_serving/core/test_util/mock_storage_path_target.h"
#include "tensorflow_serving/core/test_util/servable_handle_test_util.h"
#include "tensorflow_serving/resources/resource_tracker.h"
#include "tensorflow_serving/resources/resource_util.h"
#include "tensorflow_serving/resources/resource_values.h"
#include "tensorflow_serving/resources/resources.pb.h"
#include "tensorflow_serving/sources/storage_path/file_system_storage_path_source.h"
#include "tensorflow_serving/sources/storage_path/static_storage_path_source.h"
#include "tensorflow_serving/util/class_registration.h"
#include "tensorflow_serving/util/event_bus.h"
#include "tensorflow_serving/util/unique_ptr_with_deps.h"

// The older half of the strangers sits in the core's own namespace and writes its names bare.
namespace tensorflow {
namespace serving {
namespace {

using ::testing::_;
using ::testing::ElementsAre;
using ::testing::NiceMock;
using ::testing::Return;

// What is served: words, spelled by whoever made them.
struct Dictionary {
  string language;
  int64 version;
};

// A loader from scratch, that counts its memory.
class DictionaryLoader : public Loader {
 public:
  explicit DictionaryLoader(const string& language) : language_(language) {}
  ~DictionaryLoader() override = default;

  Status EstimateResources(ResourceAllocation* estimate) const override {
    auto* entry = estimate->add_resource_quantities();
    entry->mutable_resource()->set_device(device_types::kMain);
    entry->mutable_resource()->set_kind(resource_kinds::kRamBytes);
    entry->set_quantity(10);
    return Status();
  }
  Status LoadWithMetadata(const Metadata& metadata) override {
    if (language_.empty()) return Status(absl::StatusCode::kInvalidArgument, "no language");
    dictionary_.reset(new Dictionary{language_, metadata.servable_id.version});
    return Status();
  }
  void Unload() override { dictionary_.reset(); }
  AnyPtr servable() override { return dictionary_.get(); }
  ServableModelType model_type() const override { return ServableModelType::kUnspecified; }

 private:
  const string language_;
  std::unique_ptr<Dictionary> dictionary_;
};

// A loader that nobody counts, with the plain Load.
class ConstantLoader : public ResourceUnsafeLoader {
 public:
  Status Load() override { return Status(); }
  void Unload() override {}
  AnyPtr servable() override { return AnyPtr(&constant_); }

 private:
  int constant_ = 42;
};

// A source that is told by hand what to aspire to.
class ManualSource : public Source<StoragePath> {
 public:
  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override {
    callback_ = callback;
  }
  void Aspire(const StringPiece name, const std::vector<std::pair<int64, StoragePath>>& versions) {
    std::vector<ServableData<StoragePath>> list;
    for (const auto& version : versions) {
      const ServableId id = {string(name), version.first};
      list.push_back(CreateServableData(id, version.second));
    }
    callback_(name, std::move(list));
  }

 private:
  AspiredVersionsCallback callback_;
};

// A target of its own.
class CountingTarget final : public TargetBase<std::unique_ptr<Loader>> {
 public:
  ~CountingTarget() override { TargetBase<std::unique_ptr<Loader>>::Detach(); }
  int num_versions = 0;

 protected:
  void SetAspiredVersions(const StringPiece servable_name,
                          std::vector<ServableData<std::unique_ptr<Loader>>> versions) override {
    num_versions += static_cast<int>(versions.size());
  }
};

// An adapter that says how to make a loader of a path, and one that lets the core make it.
class DictionaryAdapter final : public UnarySourceAdapter<StoragePath, std::unique_ptr<Loader>> {
 public:
  ~DictionaryAdapter() override { Detach(); }

 private:
  Status Convert(const StoragePath& path, std::unique_ptr<Loader>* loader) override {
    if (path == "/bad") return Status(absl::StatusCode::kNotFound, "bad path");
    loader->reset(new DictionaryLoader(path.substr(1)));
    return Status();
  }
};
class SizeAdapter final : public SimpleLoaderSourceAdapter<StoragePath, size_t> {
 public:
  SizeAdapter()
      : SimpleLoaderSourceAdapter<StoragePath, size_t>(
            [](const StoragePath& path, std::unique_ptr<size_t>* servable) -> Status {
              servable->reset(new size_t(path.size()));
              return Status();
            },
            SimpleLoaderSourceAdapter<StoragePath, size_t>::EstimateNoResources()) {}
  ~SizeAdapter() override { Detach(); }
};

// Registered for a config, as a platform is.
struct DictionaryAdapterCreator {
  static Status Create(
      const LogCollectorConfig& config,
      std::unique_ptr<SourceAdapter<StoragePath, std::unique_ptr<Loader>>>* adapter) {
    adapter->reset(new DictionaryAdapter);
    return Status();
  }
};
REGISTER_STORAGE_PATH_SOURCE_ADAPTER(DictionaryAdapterCreator, LogCollectorConfig);

// Routes by the parity of the newest version.
class ParityRouter final : public SourceRouter<StoragePath> {
 public:
  ~ParityRouter() override { TargetBase<StoragePath>::Detach(); }

 protected:
  int num_output_ports() const override { return 2; }
  int Route(const StringPiece servable_name,
            const std::vector<ServableData<StoragePath>>& versions) override {
    if (versions.empty()) return kNoRoute;
    return static_cast<int>(versions[0].id().version % 2);
  }
};

// Loads anything at once and never unloads.
class EagerPolicy : public AspiredVersionPolicy {
 public:
  absl::optional<ServableAction> GetNextAction(
      const std::vector<AspiredServableStateSnapshot>& all_versions) const override {
    const absl::optional<ServableId> highest = GetHighestAspiredNewServableId(all_versions);
    if (!highest) return absl::nullopt;
    return ServableAction{Action::kLoad, highest.value()};
  }
};

// Sees every event before the monitor has it.
class CountingMonitor : public ServableStateMonitor {
 public:
  using ServableStateMonitor::ServableStateMonitor;
  int num_events = 0;

 private:
  void PreHandleEvent(const EventBus<ServableState>::EventAndTime& event_and_time) override {
    ++num_events;
  }
};

std::unique_ptr<ResourceTracker> TrackerOfBytes(uint64_t bytes) {
  ResourceUtil::Options options;
  options.devices[device_types::kMain] = 1;
  std::unique_ptr<ResourceUtil> util(new ResourceUtil(options));
  ResourceAllocation total;
  auto* entry = total.add_resource_quantities();
  *entry->mutable_resource() =
      util->CreateBoundResource(device_types::kMain, resource_kinds::kRamBytes);
  entry->set_quantity(bytes);
  std::unique_ptr<ResourceTracker> tracker;
  EXPECT_TRUE(ResourceTracker::Create(total, std::move(util), &tracker).ok());
  return tracker;
}

// A manager with everything set that a stranger may set.
class StrangersPluginTest : public ::testing::Test {
 protected:
  StrangersPluginTest()
      : bus_(EventBus<ServableState>::CreateEventBus({})),
        monitor_(bus_.get(), ServableStateMonitor::Options{100}) {}

  AspiredVersionsManager::Options Options(AspiredVersionPolicy* policy) {
    AspiredVersionsManager::Options options;
    options.resource_tracker = TrackerOfBytes(25);
    options.servable_event_bus = bus_.get();
    options.aspired_version_policy.reset(policy);
    options.num_load_threads = 2;
    options.num_unload_threads = 1;
    options.max_num_load_retries = 0;
    options.load_retry_interval_micros = -1;
    options.manage_state_interval_micros = 1000;
    options.should_retry_model_load = [](Status status) { return false; };
    options.pre_load_hook = [this](const ServableId& id) { ++num_pre_loads_; };
    return options;
  }
  std::unique_ptr<AspiredVersionsManager> Manager(AspiredVersionPolicy* policy) {
    std::unique_ptr<AspiredVersionsManager> manager;
    EXPECT_TRUE(AspiredVersionsManager::Create(Options(policy), &manager).ok());
    return manager;
  }
  bool WaitFor(const ServableId& id, ServableState::ManagerState state) {
    return monitor_.WaitUntilServablesReachState({ServableRequest::FromId(id)}, state);
  }

  std::shared_ptr<EventBus<ServableState>> bus_;
  CountingMonitor monitor_;
  std::atomic<int> num_pre_loads_{0};
};

TEST_F(StrangersPluginTest, ServesWhatItsOwnSourceAdapterAndLoaderMake) {
  ManualSource source;
  DictionaryAdapter adapter;
  std::unique_ptr<AspiredVersionsManager> manager = Manager(new AvailabilityPreservingPolicy);
  ConnectSourceToTarget(&adapter, manager.get());
  ConnectSourceToTarget(&source, &adapter);

  source.Aspire("words", {{1, "/en"}, {2, "/bad"}});
  ASSERT_TRUE(WaitFor({"words", 1}, ServableState::ManagerState::kAvailable));
  ASSERT_TRUE(WaitFor({"words", 2}, ServableState::ManagerState::kEnd));
  EXPECT_EQ(monitor_.GetState({"words", 2})->health, absl::NotFoundError("bad path"));
  ServableHandle<Dictionary> handle;
  ASSERT_TRUE(manager->GetServableHandle(ServableRequest::Latest("words"), &handle).ok());
  EXPECT_EQ(handle->language, "en");
  EXPECT_EQ((*handle).version, handle.id().version);
  handle = ServableHandle<Dictionary>();

  source.Aspire("words", {{3, "/fr"}});
  ASSERT_TRUE(WaitFor({"words", 1}, ServableState::ManagerState::kEnd));
  EXPECT_THAT(manager->ListAvailableServableIds(), ElementsAre(ServableId{"words", 3}));
  EXPECT_EQ(manager->GetAvailableServableHandles<Dictionary>().count({"words", 3}), 1);
  EXPECT_EQ(num_pre_loads_, 2);
  EXPECT_GT(monitor_.num_events, 5);
}

TEST_F(StrangersPluginTest, RoutesSimpleLoadersThroughItsOwnRouterUnderItsOwnPolicy) {
  ManualSource source;
  ParityRouter router;
  PrefixStoragePathSourceAdapter prefix("/far");
  SizeAdapter even;
  ErrorInjectingSourceAdapter<StoragePath, std::unique_ptr<Loader>> odd(
      Status(absl::StatusCode::kInternal, "No platform found for model"));
  std::unique_ptr<AspiredVersionsManager> manager = Manager(new EagerPolicy);
  const std::vector<Source<StoragePath>*> ports = router.GetOutputPorts();
  ConnectSourceToTarget(&even, manager.get());
  ConnectSourceToTarget(&odd, manager.get());
  ConnectSourceToTarget(&prefix, &even);
  ConnectSourceToTarget(ports[0], &prefix);
  ConnectSourceToTarget(ports[1], &odd);
  ConnectSourceToTarget(&source, &router);

  source.Aspire("even", {{2, "away"}});
  source.Aspire("odd", {{1, "away"}});
  test_util::WaitUntilVersionsAvailable(monitor_, "even", {2});
  test_util::WaitUntilServableManagerStateIsOneOf(monitor_, {"odd", 1},
                                                  {ServableState::ManagerState::kEnd});
  ServableHandle<size_t> handle;
  ASSERT_TRUE(manager->GetServableHandle(ServableRequest::Specific("even", 2), &handle).ok());
  EXPECT_EQ(*handle, string("/far/away").size());
}

TEST_F(StrangersPluginTest, MakesTheAdapterThatIsRegisteredForItsConfig) {
  ::google::protobuf::Any any;
  any.PackFrom(LogCollectorConfig());
  std::unique_ptr<StoragePathSourceAdapter> adapter;
  ASSERT_TRUE(StoragePathSourceAdapterRegistry::CreateFromAny(any, &adapter).ok());
  ASSERT_TRUE(StoragePathSourceAdapterRegistry::Create(LogCollectorConfig(), &adapter).ok());
  ServableData<std::unique_ptr<Loader>> data =
      adapter->AdaptOneVersion(ServableData<StoragePath>({"words", 5}, "/de"));
  std::unique_ptr<Loader> loader = data.ConsumeDataOrDie();
  ASSERT_TRUE(loader->LoadWithMetadata({data.id()}).ok());
  EXPECT_EQ(loader->servable().get<Dictionary>()->language, "de");
  EXPECT_EQ(loader->servable().get<const Dictionary>(), nullptr);
  loader->Unload();
}

TEST_F(StrangersPluginTest, LoadsFastAtTheStart) {
  std::unique_ptr<StaticStoragePathSource> source;
  StaticStoragePathSourceConfig config;
  config.set_servable_name("words");
  config.set_version_num(7);
  config.set_version_path("/it");
  ASSERT_TRUE(StaticStoragePathSource::Create(config, &source).ok());
  DictionaryAdapter adapter;
  std::unique_ptr<AspiredVersionsManager> manager = Manager(new ResourcePreservingPolicy);
  // Its one call comes from inside, and waits until the adapter is connected.
  std::thread connecting([&] { ConnectSourceToTarget(source.get(), &adapter); });
  ASSERT_TRUE(ConnectSourceWithFastInitialLoad(manager.get(), &adapter, &monitor_,
                                               {ServableRequest::Latest("words")}, 4)
                  .ok());
  connecting.join();
  EXPECT_EQ(monitor_.GetAvailableServableStates().count("words"), 1);
  EXPECT_EQ(monitor_.GetVersionStates("words").begin()->first, 7);
}

TEST_F(StrangersPluginTest, BuildsAManagerThatOwnsItsSources) {
  std::unique_ptr<AspiredVersionsManagerBuilder> builder;
  ASSERT_TRUE(
      AspiredVersionsManagerBuilder::Create(Options(new AvailabilityPreservingPolicy), &builder)
          .ok());
  FileSystemStoragePathSourceConfig config;
  config.set_file_system_poll_wait_seconds(-1);
  std::unique_ptr<FileSystemStoragePathSource> files;
  ASSERT_TRUE(FileSystemStoragePathSource::Create(config, &files).ok());
  ASSERT_TRUE(files->UpdateConfig(config).ok());
  EXPECT_EQ(files->config().file_system_poll_wait_seconds(), -1);
  std::unique_ptr<ManualSource> source(new ManualSource);
  ManualSource* const manual = source.get();
  builder->AddSourceChain(std::move(files), std::unique_ptr<SizeAdapter>(new SizeAdapter));
  builder->AddSourceChain(
      std::move(source),
      std::unique_ptr<PrefixStoragePathSourceAdapter>(new PrefixStoragePathSourceAdapter("/p")),
      std::unique_ptr<test_util::FakeLoaderSourceAdapter>(
          new test_util::FakeLoaderSourceAdapter("suffix")));
  std::unique_ptr<serving::Manager> manager = builder->Build();
  manual->Aspire("m", {{1, "path"}});
  test_util::WaitUntilVersionsAvailable(monitor_, "m", {1});
  ServableHandle<string> handle;
  ASSERT_TRUE(manager->GetServableHandle(ServableRequest::Earliest("m"), &handle).ok());
  EXPECT_EQ(*handle, "/p/path/suffix");
}

// Loads whatever is asked for.
class AnythingFactory : public CachingManager::LoaderFactory {
 public:
  ServableData<std::unique_ptr<Loader>> CreateLoader(const ServableId& id) override {
    return ServableData<std::unique_ptr<Loader>>(
        id, std::unique_ptr<Loader>(new test_util::FakeLoader(id.version)));
  }
  int64_t GetServableVersion(const string& servable_name,
                             ServableRequest::AutoVersionPolicy policy) const override {
    return policy == ServableRequest::AutoVersionPolicy::kLatest ? 2 : 1;
  }
};

TEST_F(StrangersPluginTest, CachesWhatIsAskedFor) {
  CachingManager::Options options;
  options.resource_tracker = TrackerOfBytes(1);
  options.servable_event_bus = bus_.get();
  std::unique_ptr<CachingManager> manager;
  ASSERT_TRUE(CachingManager::Create(std::move(options),
                                     std::unique_ptr<AnythingFactory>(new AnythingFactory),
                                     &manager)
                  .ok());
  ServableHandle<int64_t> handle;
  ASSERT_TRUE(manager->GetServableHandle(ServableRequest("m", absl::nullopt), &handle).ok());
  EXPECT_EQ(*handle, 2);
  PathPrefixLoaderFactory factory("/prefix",
                                  std::unique_ptr<StoragePathSourceAdapter>(new SizeAdapter));
  EXPECT_TRUE(factory.CreateLoader({"m", 0}).status().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(factory.CreateLoader({"m", 1}).status()));
}

TEST_F(StrangersPluginTest, WrapsAManagerOfConstants) {
  StaticManagerBuilder builder;
  ASSERT_TRUE(builder.AddServable({"words", 1}, std::unique_ptr<Dictionary>(new Dictionary)).ok());
  UniquePtrWithDeps<serving::Manager> wrapped;
  wrapped.AddDependency(std::unique_ptr<string>(new string("kept as long")));
  wrapped.SetOwned(builder.Build());
  ManagerWrapper manager(std::move(wrapped));
  ServableHandle<ConstantLoader> wrong;
  EXPECT_TRUE(
      absl::IsInvalidArgument(manager.GetServableHandle(ServableRequest::Latest("words"), &wrong)));
}

TEST_F(StrangersPluginTest, StepsAManagerByHandWithAMockedLoader) {
  AspiredVersionsManager::Options options = Options(new AvailabilityPreservingPolicy);
  options.manage_state_interval_micros = -1;
  options.num_load_threads = 0;
  options.resource_tracker.reset();
  options.custom_sort_actions = [](const AspiredVersionPolicy::ServableAction& a,
                                   const AspiredVersionPolicy::ServableAction& b) {
    return a.id.version < b.id.version;
  };
  std::unique_ptr<AspiredVersionsManager> manager;
  ASSERT_TRUE(AspiredVersionsManager::Create(std::move(options), &manager).ok());
  int servable = 3;
  std::unique_ptr<NiceMock<test_util::MockLoader>> loader(new NiceMock<test_util::MockLoader>);
  EXPECT_CALL(*loader, Load()).WillOnce(Return(Status()));
  EXPECT_CALL(*loader, Unload());
  ON_CALL(*loader, servable()).WillByDefault(Return(AnyPtr(&servable)));
  std::vector<ServableData<std::unique_ptr<Loader>>> versions;
  versions.emplace_back(ServableId{"m", 1}, std::unique_ptr<Loader>(std::move(loader)));
  manager->GetAspiredVersionsCallback()("m", std::move(versions));
  test_util::AspiredVersionsManagerTestAccess access(manager.get());
  access.HandlePendingAspiredVersionsRequests();
  access.InvokePolicyAndExecuteAction();
  access.FlushServables();
  EXPECT_EQ(*manager->GetAvailableServableHandles<int>().at({"m", 1}), 3);
}

TEST_F(StrangersPluginTest, ChainsTheRoutersThatThereAre) {
  test_util::MockStoragePathTarget target;
  std::unique_ptr<StaticSourceRouter<StoragePath>> by_substring;
  ASSERT_TRUE(StaticSourceRouter<StoragePath>::Create({"x"}, &by_substring).ok());
  std::unique_ptr<DynamicSourceRouter<StoragePath>> by_name;
  DynamicSourceRouter<StoragePath>::Routes routes = {{"y", 0}};
  ASSERT_TRUE(DynamicSourceRouter<StoragePath>::Create(2, routes, &by_name).ok());
  ASSERT_TRUE(by_name->UpdateRoutes(by_name->GetRoutes()).ok());
  ConnectSourceToTarget(by_substring->GetOutputPorts()[1], by_name.get());
  ConnectSourceToTarget(by_name->GetOutputPorts()[0], &target);
  EXPECT_CALL(target, SetAspiredVersions(StringPiece("y"), _));
  by_substring->GetAspiredVersionsCallback()("y", {});
}

TEST_F(StrangersPluginTest, FeedsATargetOfItsOwn) {
  CountingTarget target;
  SizeAdapter adapter;
  ConnectSourceToTarget(&adapter, &target);
  adapter.GetAspiredVersionsCallback()("m", {CreateServableData({"m", 1}, string("/a"))});
  EXPECT_EQ(target.num_versions, 1);
  int number = 5;
  const ServableHandle<int> handle = test_util::WrapAsHandle({"number", 1}, &number);
  EXPECT_EQ(handle.get(), &number);
  const ServableHandle<int> same = test_util::WrapAsHandle({"number", 1}, &number);
  EXPECT_TRUE(handle && handle == same);
  const auto hash = HashServableId();
  EXPECT_EQ(hash({"m", 1}), hash(ServableId{"m", 1}));
  EXPECT_EQ((std::unordered_set<ServableId, HashServableId>{{"m", 1}, {"m", 1}}).size(), 1);
  EXPECT_STREQ(string(ServableModelTypeString(ServableModelType::kTensorflow)).c_str(), "tf");
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow

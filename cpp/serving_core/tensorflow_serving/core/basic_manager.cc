// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/basic_manager.h"

#include <utility>

#include "absl/log/log.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tensorflow/core/platform/env.h"

namespace tensorflow {
namespace serving {
namespace {

using ManagerState = ServableState::ManagerState;

absl::Status NotManaged(const ServableId& id) {
  return absl::NotFoundError(
      absl::StrCat("This servable is not being managed by the manager: ", id.DebugString()));
}

}  // namespace

absl::Status BasicManager::Create(Options options, std::unique_ptr<BasicManager>* manager) {
  if (options.env == nullptr) options.env = Env::Default();
  manager->reset(new BasicManager(std::move(options)));
  return absl::OkStatus();
}

BasicManager::BasicManager(Options options)
    : load_gate_(std::move(options.resource_tracker), [this] { return Harnesses(); }),
      options_(std::move(options)),
      load_executor_(options_.env, "BasicManager_Load", options_.num_load_threads),
      unload_executor_(internal::MakeExecutor(options_.env, "BasicManager_Unload",
                                              options_.num_unload_threads)) {}

BasicManager::~BasicManager() {
  CancelAllLoads();
  load_executor_.Finish();  // a callback may ask for another load, which is cancelled already
  std::unique_ptr<Executor> late_unload_executor;
  {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(
        +[](int* num_unloads) { return *num_unloads == 0; }, &num_unloads_));
    late_unload_executor.swap(late_unload_executor_);
  }
  late_unload_executor.reset();
  unload_executor_.reset();
  UnloadAll();
}

void BasicManager::UnloadAll() {
  for (const HarnessPtr& harness : Harnesses()) {
    if (!harness->UnloadRequested().ok()) continue;
    const std::shared_ptr<internal::ServableUse> use = serving_map_.Remove(harness->id());
    absl::Notification idle;
    use->CallWhenIdle([&idle] { idle.Notify(); });
    idle.WaitForNotification();
    if (harness->StartQuiescing().ok() && harness->DoneQuiescing().ok()) harness->Unload();
  }
}

std::vector<ServableId> BasicManager::ListAvailableServableIds() const {
  return serving_map_.GetIds();
}

absl::Status BasicManager::GetUntypedServableHandle(
    const ServableRequest& request, std::unique_ptr<UntypedServableHandle>* untyped_handle) {
  return serving_map_.Find(request, untyped_handle);
}

std::map<ServableId, std::unique_ptr<UntypedServableHandle>>
BasicManager::GetAvailableUntypedServableHandles() const {
  return serving_map_.GetHandles();
}

absl::Status BasicManager::ManageServable(ServableData<std::unique_ptr<Loader>> servable) {
  return Manage(std::move(servable), UniqueAnyPtr());
}

BasicManager::HarnessPtr BasicManager::MakeHarness(ServableData<std::unique_ptr<Loader>> servable,
                                                   UniqueAnyPtr additional_state) const {
  const ServableId id = servable.id();
  if (!servable.status().ok()) {
    return std::make_shared<LoaderHarness>(id, servable.status(), std::move(additional_state));
  }
  LoaderHarness::Options options;
  options.max_num_load_retries = options_.max_num_load_retries;
  options.load_retry_interval_micros = options_.load_retry_interval_micros;
  options.should_retry = options_.should_retry_model_load;
  return std::make_shared<LoaderHarness>(id, servable.ConsumeDataOrDie(),
                                         std::move(additional_state), options);
}

absl::Status BasicManager::Manage(ServableData<std::unique_ptr<Loader>> servable,
                                  UniqueAnyPtr additional_state) {
  const HarnessPtr harness = MakeHarness(std::move(servable), std::move(additional_state));
  const ServableId& id = harness->id();
  const absl::Status error = harness->status();
  if (error.ok() && harness->loader() == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("This servable has no loader: ", id.DebugString()));
  }
  {
    absl::MutexLock lock(&mu_);
    if (!managed_[id.name].emplace(id.version, harness).second) {
      return absl::FailedPreconditionError(
          absl::StrCat("This servable is already being managed: ", id.DebugString()));
    }
    if (cancelling_all_loads_) harness->CancelLoad();
  }
  Publish(*harness, error.ok() ? ManagerState::kStart : ManagerState::kEnd, error);
  return absl::OkStatus();
}

absl::Status BasicManager::StopManagingServable(const ServableId& id) {
  HarnessPtr harness;  // dies without the lock
  absl::MutexLock lock(&mu_);
  harness = FindHarness(id);
  if (harness == nullptr) return NotManaged(id);
  const LoaderHarness::State state = harness->state();
  if (state != LoaderHarness::State::kNew && state != LoaderHarness::State::kDisabled &&
      state != LoaderHarness::State::kError) {
    return absl::FailedPreconditionError(absl::StrCat("Cannot stop managing servable ",
                                                      id.DebugString(), " while it is ",
                                                      LoaderHarness::StateDebugString(state)));
  }
  const auto stream = managed_.find(id.name);
  stream->second.erase(id.version);
  if (stream->second.empty()) managed_.erase(stream);
  return absl::OkStatus();
}

std::vector<std::string> BasicManager::GetManagedServableNames() const {
  std::vector<std::string> names;
  absl::MutexLock lock(&mu_);
  for (const auto& stream : managed_) names.push_back(stream.first);
  return names;
}

BasicManager::HarnessPtr BasicManager::FindHarness(const ServableId& id) const {
  const auto stream = managed_.find(id.name);
  if (stream == managed_.end()) return nullptr;
  const auto version = stream->second.find(id.version);
  return version == stream->second.end() ? nullptr : version->second;
}

std::vector<BasicManager::HarnessPtr> BasicManager::Harnesses(
    const std::string& servable_name) const {
  std::vector<HarnessPtr> harnesses;
  absl::MutexLock lock(&mu_);
  const auto stream = managed_.find(servable_name);
  if (stream == managed_.end()) return harnesses;
  for (const auto& version : stream->second) harnesses.push_back(version.second);
  return harnesses;
}

std::vector<BasicManager::HarnessPtr> BasicManager::Harnesses() const {
  std::vector<HarnessPtr> harnesses;
  absl::MutexLock lock(&mu_);
  for (const auto& stream : managed_) {
    for (const auto& version : stream.second) harnesses.push_back(version.second);
  }
  return harnesses;
}

void BasicManager::LoadServable(const ServableId& id, DoneCallback done_callback) {
  HarnessPtr harness;
  absl::Status status;
  {
    // To the end of this step, so that nobody stops managing it in between.
    absl::MutexLock lock(&mu_);
    harness = FindHarness(id);
    status = harness == nullptr ? NotManaged(id) : harness->LoadRequested();
  }
  if (!status.ok()) {
    done_callback(status);
    return;
  }
  load_executor_.Schedule([this, harness, done_callback = std::move(done_callback)] {
    done_callback(ExecuteLoad(harness.get()));
  });
}

absl::Status BasicManager::ExecuteLoad(LoaderHarness* harness) {
  {
    // CancelAllLoads may just have freed this thread, and not yet have come to this servable.
    absl::MutexLock lock(&mu_);
    if (cancelling_all_loads_) harness->CancelLoad();
  }
  absl::Status status = load_gate_.Approve(harness);
  if (!status.ok()) return EndLoadWithError(harness, status);
  status = ExecuteApprovedLoad(harness);
  load_gate_.EndExecution();
  return status;
}

absl::Status BasicManager::ExecuteApprovedLoad(LoaderHarness* harness) {
  Publish(*harness, ManagerState::kLoading);
  if (options_.pre_load_hook) options_.pre_load_hook(harness->id());
  const absl::Status status = harness->Load();
  MaybeFlushFilesystemCaches();
  if (!status.ok()) return EndLoadWithError(harness, status);
  if (!CommitLoad(harness)) {
    harness->Unload();
    return EndLoadWithError(harness, absl::CancelledError("Loading of servable cancelled"));
  }
  Publish(*harness, ManagerState::kAvailable);
  harness->Announce();
  return absl::OkStatus();
}

// In one step, so that nobody can ask for the unload of what is not yet in the serving map.
bool BasicManager::CommitLoad(LoaderHarness* harness) {
  absl::MutexLock lock(&mu_);
  if (!harness->CommitLoad()) return false;
  serving_map_.Add(harness->id(), harness->loader());
  return true;
}

absl::Status BasicManager::EndLoadWithError(LoaderHarness* harness, const absl::Status& error) {
  Publish(*harness, ManagerState::kEnd, error);
  harness->Announce();
  return error;
}

void BasicManager::MaybeFlushFilesystemCaches() const {
  if (!options_.flush_filesystem_caches || load_executor_.num_threads() > 1) return;
  const absl::Status status = options_.env->FlushFileSystemCaches();
  if (!status.ok()) LOG(WARNING) << "Cannot flush file system caches: " << status;
}

void BasicManager::CancelLoadServableRetry(const ServableId& id) {
  {
    absl::MutexLock lock(&mu_);
    const HarnessPtr harness = FindHarness(id);
    if (harness != nullptr) harness->CancelLoad();
  }
  load_gate_.NoticeCancelled();
}

bool BasicManager::ResumeServable(const ServableId& id) {
  absl::MutexLock lock(&mu_);
  const HarnessPtr harness = FindHarness(id);
  return harness != nullptr && !cancelling_all_loads_ && harness->ResumeLoad();
}

void BasicManager::CancelAllLoads() {
  {
    absl::MutexLock lock(&mu_);
    cancelling_all_loads_ = true;
    for (const auto& stream : managed_) {
      for (const auto& version : stream.second) version.second->CancelLoad();
    }
  }
  load_gate_.NoticeCancelled();
}

void BasicManager::SetNumLoadThreads(uint32_t num_load_threads) {
  load_executor_.SetNumThreads(num_load_threads);
}

void BasicManager::UnloadServable(const ServableId& id, DoneCallback done_callback) {
  HarnessPtr harness;
  absl::Status status;
  {
    absl::MutexLock lock(&mu_);
    harness = FindHarness(id);
    status = harness == nullptr ? NotManaged(id) : harness->UnloadRequested();
    if (status.ok()) {
      ++num_unloads_;
      load_gate_.BeginExecution();
    }
  }
  if (!status.ok()) {
    done_callback(status);
    return;
  }
  unload_executor_->Schedule([this, harness, done_callback = std::move(done_callback)] {
    StartUnload(harness, done_callback);
  });
}

void BasicManager::StartUnload(HarnessPtr harness, DoneCallback done_callback) {
  harness->AwaitAnnounced();  // it is ready a moment before that is told
  Publish(*harness, ManagerState::kUnloading);
  const absl::Status status = harness->StartQuiescing();
  (void)status;  // reported there
  const std::shared_ptr<internal::ServableUse> use = serving_map_.Remove(harness->id());
  if (use->IsIdle()) {
    FinishUnload(harness, done_callback);
    return;
  }
  // Whoever drops the last handle only hands the work over, and keeps nothing of it.
  Executor* const executor = ExecutorOfLateUnloads();
  std::function<void()> unload = [this, harness = std::move(harness),
                                  done_callback = std::move(done_callback)] {
    FinishUnload(harness, done_callback);
  };
  use->CallWhenIdle(
      [executor, unload = std::move(unload)]() mutable { executor->Schedule(std::move(unload)); });
}

Executor* BasicManager::ExecutorOfLateUnloads() {
  if (options_.num_unload_threads > 0) return unload_executor_.get();
  absl::MutexLock lock(&mu_);
  if (late_unload_executor_ == nullptr) {
    late_unload_executor_ = internal::MakeExecutor(options_.env, "BasicManager_LateUnload", 1);
  }
  return late_unload_executor_.get();
}

void BasicManager::FinishUnload(const HarnessPtr& harness, const DoneCallback& done_callback) {
  const absl::Status status = harness->DoneQuiescing();
  (void)status;  // reported there
  harness->Unload();
  Publish(*harness, ManagerState::kEnd);
  harness->Announce();
  load_gate_.EndExecution();  // first, because a load that the callback asks for may wait for it
  done_callback(absl::OkStatus());
  absl::MutexLock lock(&mu_);
  --num_unloads_;
}

void BasicManager::Publish(const LoaderHarness& harness, ManagerState manager_state,
                           const absl::Status& health) const {
  if (options_.servable_event_bus == nullptr) return;
  options_.servable_event_bus->Publish({harness.id(), manager_state, health, harness.model_type()});
}

}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/aspired_versions_manager.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/log/log.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tensorflow/core/platform/env.h"

namespace tensorflow {
namespace serving {
namespace {

using Action = AspiredVersionPolicy::Action;
using ServableAction = AspiredVersionPolicy::ServableAction;
using State = LoaderHarness::State;

bool HasEnded(State state) { return state == State::kDisabled || state == State::kError; }

// Frees memory before it takes more.
bool UnloadsComeFirst(const ServableAction& a, const ServableAction& b) {
  return a.action == Action::kUnload && b.action == Action::kLoad;
}

BasicManager::Options OptionsOfBasicManager(AspiredVersionsManager::Options* options) {
  BasicManager::Options basic;
  basic.resource_tracker = std::move(options->resource_tracker);
  basic.num_load_threads = options->num_load_threads;
  basic.num_unload_threads = options->num_unload_threads;
  basic.should_retry_model_load = std::move(options->should_retry_model_load);
  basic.servable_event_bus = options->servable_event_bus;
  basic.max_num_load_retries = options->max_num_load_retries;
  basic.load_retry_interval_micros = options->load_retry_interval_micros;
  basic.flush_filesystem_caches = options->flush_filesystem_caches;
  basic.env = options->env;
  basic.pre_load_hook = std::move(options->pre_load_hook);
  return basic;
}

}  // namespace

namespace internal {

class AspiredVersionsManagerTargetImpl final : public TargetBase<std::unique_ptr<Loader>> {
 public:
  explicit AspiredVersionsManagerTargetImpl(AspiredVersionsManager* manager) : manager_(manager) {}
  ~AspiredVersionsManagerTargetImpl() override { Detach(); }

 private:
  void SetAspiredVersions(const absl::string_view servable_name,
                          std::vector<ServableData<std::unique_ptr<Loader>>> versions) override {
    manager_->EnqueueAspiredVersions(servable_name, std::move(versions));
  }

  AspiredVersionsManager* const manager_;
};

uint32_t GetManagerNumLoadThreads(AspiredVersionsManager* manager) {
  return manager->basic_manager_->num_load_threads();
}

std::function<void(uint32_t)> SetManagerNumLoadThreadsNotifier(AspiredVersionsManager* manager) {
  return manager->num_load_threads_observer_->Notifier();
}

}  // namespace internal

struct AspiredVersionsManager::ProposedAction {
  ServableAction action;
  // Whether the version is in a state to act upon. A policy that asks for more gets an error from
  // each turn of the loop, but does not make it spin.
  bool fits_state;
};

absl::Status AspiredVersionsManager::Create(Options options,
                                            std::unique_ptr<AspiredVersionsManager>* manager) {
  if (options.aspired_version_policy == nullptr) {
    return absl::InvalidArgumentError("Options.aspired_version_policy must be set");
  }
  if (options.env == nullptr) options.env = Env::Default();
  Env* const env = options.env;
  std::unique_ptr<BasicManager> basic_manager;
  const absl::Status status = BasicManager::Create(OptionsOfBasicManager(&options), &basic_manager);
  if (!status.ok()) return status;
  manager->reset(new AspiredVersionsManager(std::move(options), std::move(basic_manager)));
  AspiredVersionsManager* const created = manager->get();
  if (created->manage_state_interval_micros_ > 0) {
    created->manage_thread_.reset(env->StartThread(ThreadOptions(), "AspiredVersionsManager",
                                                   [created] { created->ManageUntilStopped(); }));
  }
  return absl::OkStatus();
}

AspiredVersionsManager::AspiredVersionsManager(Options options,
                                               std::unique_ptr<BasicManager> basic_manager)
    : policy_(std::move(options.aspired_version_policy)),
      manage_state_interval_micros_(options.manage_state_interval_micros),
      reload_servables_with_error_(options.enable_reload_servables_with_error),
      custom_sort_actions_(std::move(options.custom_sort_actions)),
      basic_manager_(std::move(basic_manager)),
      target_(std::make_unique<internal::AspiredVersionsManagerTargetImpl>(this)),
      num_load_threads_observer_(std::make_unique<Observer<uint32_t>>(
          [this](uint32_t num_threads) { basic_manager_->SetNumLoadThreads(num_threads); })) {}

AspiredVersionsManager::~AspiredVersionsManager() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  // First, because everything below may wait for a load, and that for the pause before a retry.
  basic_manager_->CancelAllLoads();
  num_load_threads_observer_.reset();
  target_.reset();
  manage_thread_.reset();  // joins
}

std::vector<ServableId> AspiredVersionsManager::ListAvailableServableIds() const {
  return basic_manager_->ListAvailableServableIds();
}

absl::Status AspiredVersionsManager::GetUntypedServableHandle(
    const ServableRequest& request, std::unique_ptr<UntypedServableHandle>* untyped_handle) {
  return basic_manager_->GetUntypedServableHandle(request, untyped_handle);
}

std::map<ServableId, std::unique_ptr<UntypedServableHandle>>
AspiredVersionsManager::GetAvailableUntypedServableHandles() const {
  return basic_manager_->GetAvailableUntypedServableHandles();
}

Source<std::unique_ptr<Loader>>::AspiredVersionsCallback
AspiredVersionsManager::GetAspiredVersionsCallback() {
  return target_->GetAspiredVersionsCallback();
}

void AspiredVersionsManager::EnqueueAspiredVersions(const absl::string_view servable_name,
                                                    Versions versions) {
  for (const auto& version : versions) {
    if (version.id().name == servable_name) continue;
    LOG(DFATAL) << "Aspired versions of " << servable_name << " rejected: " << version.id()
                << " is among them";
    return;
  }
  PendingList list{std::move(versions)};  // the list that this one replaces dies without the lock
  absl::MutexLock lock(&mu_);
  const auto [waiting, is_first] = pending_.try_emplace(std::string(servable_name));
  if (!is_first) {
    const PendingList& replaced = waiting->second;
    list.is_new_beginning = replaced.is_new_beginning || replaced.versions.empty();
  }
  std::swap(waiting->second, list);
  work_to_do_ = true;
}

void AspiredVersionsManager::ManageUntilStopped() {
  while (!stopping()) {
    FlushServables();
    HandlePendingAspiredVersionsRequests();
    InvokePolicyAndExecuteAction();
    AwaitWork();
  }
}

void AspiredVersionsManager::AwaitWork() {
  absl::MutexLock lock(&mu_);
  const auto work_or_end = [this]()
                               ABSL_SHARED_LOCKS_REQUIRED(mu_) { return work_to_do_ || stopping_; };
  mu_.AwaitWithTimeout(absl::Condition(&work_or_end),
                       absl::Microseconds(manage_state_interval_micros_));
  work_to_do_ = false;
}

void AspiredVersionsManager::Wake() {
  absl::MutexLock lock(&mu_);
  work_to_do_ = true;
}

bool AspiredVersionsManager::stopping() const {
  absl::MutexLock lock(&mu_);
  return stopping_;
}

void AspiredVersionsManager::FlushServables() {
  absl::MutexLock step(&step_mu_);
  for (const std::string& name : basic_manager_->GetManagedServableNames()) {
    for (const auto& snapshot : basic_manager_->GetManagedServableStateSnapshots<Aspired>(name)) {
      const bool forgettable = snapshot.state == State::kNew || HasEnded(snapshot.state);
      if (snapshot.additional_state->is_aspired || !forgettable) continue;
      const absl::Status status = basic_manager_->StopManagingServable(snapshot.id);
      if (!status.ok()) LOG(ERROR) << "Cannot forget servable " << snapshot.id << ": " << status;
    }
  }
}

void AspiredVersionsManager::HandlePendingAspiredVersionsRequests() {
  absl::MutexLock step(&step_mu_);
  std::map<std::string, PendingList> pending;
  {
    absl::MutexLock lock(&mu_);
    pending.swap(pending_);
  }
  for (auto& [name, list] : pending) HandleList(name, std::move(list));
}

void AspiredVersionsManager::HandleList(const std::string& servable_name, PendingList list) {
  if (list.is_new_beginning) UnaspireUnlisted(servable_name, {});
  if (!list.is_remainder) UnaspireUnlisted(servable_name, list.versions);
  PendingList remainder{{}, /*is_remainder=*/true};
  std::set<int64_t> seen;
  for (auto& version : list.versions) {
    if (!seen.insert(version.id().version).second) {
      LOG(ERROR) << "Servable " << version.id() << " is listed twice; the first one counts";
      continue;
    }
    const bool reload_if_failed = reload_servables_with_error_ && !list.is_remainder;
    if (!AspireVersion(version, reload_if_failed)) {
      remainder.versions.push_back(std::move(version));
    }
  }
  if (remainder.versions.empty()) return;
  absl::MutexLock lock(&mu_);
  pending_.try_emplace(servable_name, std::move(remainder));  // a newer list comes first
}

void AspiredVersionsManager::UnaspireUnlisted(const std::string& servable_name,
                                              const Versions& listed) {
  std::set<int64_t> listed_versions;
  for (const auto& version : listed) listed_versions.insert(version.id().version);
  const auto snapshots = basic_manager_->GetManagedServableStateSnapshots<Aspired>(servable_name);
  for (const auto& snapshot : snapshots) {
    if (listed_versions.count(snapshot.id.version) > 0) continue;
    Aspired* const aspired = basic_manager_->GetAdditionalServableState<Aspired>(snapshot.id);
    aspired->is_to_return = false;
    if (!aspired->is_aspired) continue;
    aspired->is_aspired = false;
    basic_manager_->CancelLoadServableRetry(snapshot.id);
  }
}

bool AspiredVersionsManager::AspireVersion(ServableData<std::unique_ptr<Loader>>& version,
                                           bool reload_if_failed) {
  const ServableId id = version.id();
  const auto snapshot = basic_manager_->GetManagedServableStateSnapshot<Aspired>(id);
  if (!snapshot) {
    Manage(std::move(version));
    return true;
  }
  const bool was_aspired = snapshot->additional_state->is_aspired;
  if (was_aspired && !(reload_if_failed && snapshot->state == State::kError)) return true;
  if (HasEnded(snapshot->state)) {
    const absl::Status status = basic_manager_->StopManagingServable(id);
    if (!status.ok()) LOG(ERROR) << "Cannot start servable " << id << " anew: " << status;
    Manage(std::move(version));
    return true;
  }
  // Not yet unloading: the loader that is there goes on. Otherwise the version starts anew with the
  // new loader, but only when the old one is done.
  const bool resumed = basic_manager_->ResumeServable(id);
  *basic_manager_->GetAdditionalServableState<Aspired>(id) = {resumed, /*is_to_return=*/!resumed};
  return resumed;
}

void AspiredVersionsManager::Manage(ServableData<std::unique_ptr<Loader>> version) {
  const ServableId id = version.id();
  if (version.status().ok() && version.DataOrDie() == nullptr) {
    // As an event, because somebody may wait for what becomes of it.
    Manage(ServableData<std::unique_ptr<Loader>>(
        id, absl::InvalidArgumentError(
                absl::StrCat("This servable has no loader: ", id.DebugString()))));
    return;
  }
  const absl::Status status = basic_manager_->ManageServableWithAdditionalState(
      std::move(version), std::make_unique<Aspired>(Aspired{true}));
  if (!status.ok()) LOG(ERROR) << "Cannot manage servable " << id << ": " << status;
}

absl::optional<AspiredVersionsManager::ProposedAction> AspiredVersionsManager::ProposeAction(
    const std::string& servable_name) const {
  std::vector<AspiredServableStateSnapshot> versions;
  for (const auto& snapshot :
       basic_manager_->GetManagedServableStateSnapshots<Aspired>(servable_name)) {
    // To the policy, what is to return is aspired: with nothing aspired it would unload the rest.
    const Aspired& aspired = *snapshot.additional_state;
    versions.push_back({snapshot.id, snapshot.state, aspired.is_aspired || aspired.is_to_return});
  }
  const absl::optional<ServableAction> action = policy_->GetNextAction(versions);
  if (!action) return absl::nullopt;
  const State needed = action->action == Action::kLoad ? State::kNew : State::kReady;
  const bool fits_state =
      std::any_of(versions.begin(), versions.end(), [&](const AspiredServableStateSnapshot& v) {
        return v.id == action->id && v.state == needed;
      });
  return ProposedAction{*action, fits_state};
}

std::vector<AspiredVersionsManager::ProposedAction> AspiredVersionsManager::ProposeActions() const {
  std::vector<ProposedAction> proposed;
  for (const std::string& name : basic_manager_->GetManagedServableNames()) {
    const absl::optional<ProposedAction> action = ProposeAction(name);
    if (action) proposed.push_back(*action);
  }
  const CustomSortActionsFn comes_first =
      custom_sort_actions_ ? custom_sort_actions_ : CustomSortActionsFn(UnloadsComeFirst);
  std::stable_sort(proposed.begin(), proposed.end(),
                   [&](const ProposedAction& a, const ProposedAction& b) {
                     return comes_first(a.action, b.action);
                   });
  return proposed;
}

void AspiredVersionsManager::InvokePolicyAndExecuteAction() {
  absl::MutexLock step(&step_mu_);
  for (const ProposedAction& proposed : ProposeActions()) {
    if (stopping()) return;
    Execute(proposed);
  }
}

void AspiredVersionsManager::Execute(const ProposedAction& proposed) {
  const ServableAction& action = proposed.action;
  // A failure is told as an event.
  const auto done = [this, proposed](const absl::Status&) {
    if (proposed.fits_state) Wake();
  };
  if (action.action == Action::kLoad) {
    basic_manager_->LoadServable(action.id, done);
  } else {
    basic_manager_->UnloadServable(action.id, done);
  }
  if (proposed.fits_state) Wake();  // the stream may have more to do
}

}  // namespace serving
}  // namespace tensorflow

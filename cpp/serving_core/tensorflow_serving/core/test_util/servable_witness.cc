// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/test_util/servable_witness.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tensorflow_serving/resources/resource_values.h"

namespace tensorflow {
namespace serving {
namespace test_util {
namespace {

using ManagerState = ServableState::ManagerState;

ResourceAllocation Ram(uint64_t bytes) {
  ResourceAllocation allocation;
  ResourceAllocation::Entry* const entry = allocation.add_resource_quantities();
  entry->mutable_resource()->set_device(device_types::kMain);
  entry->mutable_resource()->set_kind(resource_kinds::kRamBytes);
  entry->set_quantity(bytes);
  return allocation;
}

}  // namespace

class ServableWitness::WitnessedLoader final : public Loader {
 public:
  WitnessedLoader(ServableWitness* witness, const ServableId& id, Plan plan, uint64_t ram)
      : witness_(witness), id_(id), plan_(plan), ram_(ram) {
    witness_->LoaderMade();
  }
  ~WitnessedLoader() override { witness_->LoaderGone(id_, loaded_); }

  absl::Status EstimateResources(ResourceAllocation* estimate) const override {
    *estimate = Ram(ram_);
    return absl::OkStatus();
  }
  absl::Status LoadWithMetadata(const Metadata& metadata) override {
    if (!(metadata.servable_id == id_)) witness_->Accuse("a load is told another id");
    if (unloaded_) witness_->Accuse("a load after the unload");
    absl::Status status = witness_->Load(id_, plan_, ++attempt_, ram_);
    loaded_ = status.ok();
    if (loaded_) servable_ = id_.version;
    return status;
  }
  void Unload() override {
    if (!loaded_) witness_->Accuse("an unload of what is not loaded");
    witness_->BeginUnload(id_);
    servable_ = -1;
    loaded_ = false;
    unloaded_ = true;
    witness_->EndUnload(id_, ram_);
  }
  AnyPtr servable() override { return &servable_; }

 private:
  ServableWitness* const witness_;
  const ServableId id_;
  const Plan plan_;
  const uint64_t ram_;
  int attempt_ = 0;
  bool loaded_ = false;
  bool unloaded_ = false;
  int64_t servable_ = -1;
};

ServableWitness::ServableWitness(Limits limits)
    : limits_(limits),
      bus_(EventBus<ServableState>::CreateEventBus()),
      subscription_(bus_->Subscribe(
          [this](const EventBus<ServableState>::EventAndTime& event) { Observe(event.event); })) {}

std::unique_ptr<ResourceTracker> ServableWitness::MakeTracker() const {
  ResourceUtil::Options options;
  options.devices = {{device_types::kMain, 1}};
  std::unique_ptr<ResourceTracker> tracker;
  const absl::Status status =
      ResourceTracker::Create(Ram(limits_.ram), std::make_unique<ResourceUtil>(options), &tracker);
  return status.ok() ? std::move(tracker) : nullptr;
}

ServableData<std::unique_ptr<Loader>> ServableWitness::Make(const ServableId& id, Plan plan,
                                                            uint64_t ram) {
  return {id, std::make_unique<WitnessedLoader>(this, id, plan, ram)};
}

absl::Status ServableWitness::Load(const ServableId& id, Plan plan, int attempt, uint64_t ram) {
  absl::MutexLock lock(&mu_);
  Servable& servable = servables_[id];
  if (servable.loading + servable.loaded > 0) Add("is loaded twice at a time", id);
  ++servable.loading;
  servable.held_ram += ram;
  CheckLimits(id);
  if (plan == Plan::kWaitForRelease) AwaitRelease();
  --servable.loading;
  const bool fails = plan == Plan::kFail || (plan == Plan::kFailOnce && attempt == 1);
  if (fails) {
    servable.held_ram -= ram;
    return absl::UnavailableError("this load is to fail");
  }
  ++servable.loaded;
  return absl::OkStatus();
}

void ServableWitness::AwaitRelease() {
  const int64_t ticket = num_waited_++;
  const auto released = [this, ticket]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return all_released_ || ticket < num_released_;
  };
  mu_.Await(absl::Condition(&released));
}

void ServableWitness::ReleaseOneLoad() {
  absl::MutexLock lock(&mu_);
  if (num_released_ < num_waited_) ++num_released_;
}

void ServableWitness::ReleaseLoads() {
  absl::MutexLock lock(&mu_);
  all_released_ = true;
}

void ServableWitness::CheckLimits(const ServableId& id) {
  if (CountHeld(id.name) > limits_.versions_per_stream) Add("is one version too many", id);
  uint64_t ram = 0;
  for (const auto& other : servables_) ram += other.second.held_ram;
  if (ram > limits_.ram) Add("takes more memory than there is", id);
}

void ServableWitness::BeginUnload(const ServableId& id) {
  absl::MutexLock lock(&mu_);
  if (servables_[id].handles > 0) Add("is unloaded while a handle lives", id);
}

void ServableWitness::EndUnload(const ServableId& id, uint64_t ram) {
  absl::MutexLock lock(&mu_);
  --servables_[id].loaded;
  servables_[id].held_ram -= ram;
}

void ServableWitness::LoaderMade() {
  absl::MutexLock lock(&mu_);
  ++num_loaders_;
}

void ServableWitness::LoaderGone(const ServableId& id, bool loaded) {
  absl::MutexLock lock(&mu_);
  --num_loaders_;
  if (loaded) Add("is destroyed while it is loaded", id);
}

bool ServableWitness::MayFollow(const absl::optional<ServableState>& last,
                                const ServableState& next) {
  const bool after_start = last && last->manager_state == ManagerState::kStart;
  const bool after_loading = last && last->manager_state == ManagerState::kLoading;
  const bool after_end = !last || last->manager_state == ManagerState::kEnd;
  switch (next.manager_state) {
    case ManagerState::kStart:
      return after_end || after_start;  // what is forgotten while it is new has no end
    case ManagerState::kLoading:
      return after_start;
    case ManagerState::kAvailable:
      return after_loading;
    case ManagerState::kUnloading:
      return last && last->manager_state == ManagerState::kAvailable;
    case ManagerState::kEnd:
      if (!next.health.ok()) return after_end || after_start || after_loading;
      return last && last->manager_state == ManagerState::kUnloading;
  }
  return false;
}

void ServableWitness::Observe(const ServableState& state) {
  absl::MutexLock lock(&mu_);
  absl::optional<ServableState>& last = servables_[state.id].last_event;
  if (!MayFollow(last, state)) {
    violations_.push_back(absl::StrCat(state.DebugString(), " follows ",
                                       last ? last->DebugString() : std::string("nothing")));
  }
  last = state;
}

absl::optional<ServableWitness::Holder> ServableWitness::Hold(Manager* manager,
                                                              const ServableRequest& request) {
  ServableHandle<int64_t> handle;
  if (!manager->GetServableHandle(request, &handle).ok()) return absl::nullopt;
  return absl::optional<Holder>(absl::in_place, this, std::move(handle));
}

ServableWitness::Holder::Holder(ServableWitness* witness, ServableHandle<int64_t> handle)
    : witness_(witness), handle_(std::move(handle)) {
  Look();
  absl::MutexLock lock(&witness_->mu_);
  ++witness_->servables_[handle_.id()].handles;
}

ServableWitness::Holder::~Holder() {
  if (!handle_) return;
  Look();
  absl::MutexLock lock(&witness_->mu_);
  --witness_->servables_[handle_.id()].handles;
}

void ServableWitness::Holder::Look() const {
  if (*handle_ != handle_.id().version) witness_->Accuse("a handle has outlived its servable");
}

int ServableWitness::CountHeld(const std::string& servable_name) const {
  int held = 0;
  for (auto it = servables_.lower_bound({servable_name, 0});
       it != servables_.end() && it->first.name == servable_name; ++it) {
    held += it->second.loading + it->second.loaded;
  }
  return held;
}

bool ServableWitness::OtherIsLoaded(const std::string& servable_name, int64_t version) const {
  absl::MutexLock lock(&mu_);
  for (const auto& [id, servable] : servables_) {
    if (id.name == servable_name && id.version != version && servable.loaded > 0) return true;
  }
  return false;
}

void ServableWitness::Add(const std::string& what, const ServableId& id) {
  violations_.push_back(absl::StrCat(id.DebugString(), " ", what));
}

void ServableWitness::Accuse(const std::string& violation) {
  absl::MutexLock lock(&mu_);
  violations_.push_back(violation);
}

std::vector<std::string> ServableWitness::Violations() const {
  absl::MutexLock lock(&mu_);
  return violations_;
}

std::vector<std::string> ServableWitness::FinalViolations() const {
  absl::MutexLock lock(&mu_);
  std::vector<std::string> violations = violations_;
  for (const auto& [id, servable] : servables_) {
    if (servable.loaded + servable.loading > 0) {
      violations.push_back(absl::StrCat(id.DebugString(), " is never unloaded"));
    }
  }
  if (num_loaders_ != 0) violations.push_back(absl::StrCat(num_loaders_, " loaders leak"));
  return violations;
}

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

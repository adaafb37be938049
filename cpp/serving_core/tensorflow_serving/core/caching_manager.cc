// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/caching_manager.h"

#include <algorithm>
#include <utility>

#include "absl/log/log.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "tensorflow/core/platform/path.h"

namespace tensorflow {
namespace serving {

struct CachingManager::OngoingLoad {
  absl::Notification done;
  // To be read when done.
  absl::Status status;
};

absl::Status CachingManager::Create(Options options, std::unique_ptr<LoaderFactory> loader_factory,
                                    std::unique_ptr<CachingManager>* caching_manager) {
  if (loader_factory == nullptr) {
    return absl::InvalidArgumentError("A CachingManager needs a loader factory");
  }
  BasicManager::Options basic_options;
  basic_options.resource_tracker = std::move(options.resource_tracker);
  basic_options.num_load_threads = options.num_load_threads;
  basic_options.num_unload_threads = options.num_unload_threads;
  basic_options.servable_event_bus = options.servable_event_bus;
  basic_options.max_num_load_retries = options.max_num_load_retries;
  basic_options.load_retry_interval_micros = options.load_retry_interval_micros;
  basic_options.env = options.env;
  std::unique_ptr<BasicManager> basic_manager;
  absl::Status status = BasicManager::Create(std::move(basic_options), &basic_manager);
  if (!status.ok()) return status;
  caching_manager->reset(new CachingManager(std::move(loader_factory), std::move(basic_manager)));
  return absl::OkStatus();
}

CachingManager::CachingManager(std::unique_ptr<LoaderFactory> loader_factory,
                               std::unique_ptr<BasicManager> basic_manager)
    : loader_factory_(std::move(loader_factory)), basic_manager_(std::move(basic_manager)) {}

CachingManager::~CachingManager() = default;

std::vector<ServableId> CachingManager::ListAvailableServableIds() const {
  return basic_manager_->ListAvailableServableIds();
}

absl::Status CachingManager::GetUntypedServableHandle(
    const ServableRequest& request, std::unique_ptr<UntypedServableHandle>* untyped_handle) {
  const int64_t version = request.version ? *request.version
                                          : loader_factory_->GetServableVersion(
                                                request.name, request.auto_version_policy);
  const ServableId id{request.name, version};
  absl::Status status =
      basic_manager_->GetUntypedServableHandle(ServableRequest::FromId(id), untyped_handle);
  if (!absl::IsNotFound(status)) return status;
  status = LoadOnce(id);
  if (!status.ok()) return status;
  return basic_manager_->GetUntypedServableHandle(ServableRequest::FromId(id), untyped_handle);
}

std::map<ServableId, std::unique_ptr<UntypedServableHandle>>
CachingManager::GetAvailableUntypedServableHandles() const {
  return basic_manager_->GetAvailableUntypedServableHandles();
}

absl::Status CachingManager::LoadOnce(const ServableId& servable_id) {
  std::shared_ptr<OngoingLoad> load;
  bool is_mine = false;
  {
    absl::MutexLock lock(&mu_);
    std::shared_ptr<OngoingLoad>& ongoing = ongoing_loads_[servable_id];
    is_mine = ongoing == nullptr;
    if (is_mine) ongoing = std::make_shared<OngoingLoad>();
    load = ongoing;
  }
  if (!is_mine) {
    load->done.WaitForNotification();
    return load->status;
  }
  load->status = Load(servable_id);
  {
    absl::MutexLock lock(&mu_);
    ongoing_loads_.erase(servable_id);
  }
  load->done.Notify();
  return load->status;
}

absl::Status CachingManager::Load(const ServableId& servable_id) {
  // Another load may have ended between the lookup and this one.
  if (basic_manager_->GetManagedServableStateSnapshot(servable_id)) return absl::OkStatus();
  ServableData<std::unique_ptr<Loader>> data = loader_factory_->CreateLoader(servable_id);
  if (data.id() != servable_id) {
    return absl::InternalError(absl::StrCat("Asked for ", servable_id.DebugString(),
                                            ", the loader factory made ", data.id().DebugString()));
  }
  absl::Status load_status = data.status();
  absl::Status status = basic_manager_->ManageServable(std::move(data));
  if (!status.ok()) return status;
  if (load_status.ok()) {
    absl::Notification done;
    basic_manager_->LoadServable(servable_id, [&](const absl::Status& loaded) {
      load_status = loaded;
      done.Notify();
    });
    done.WaitForNotification();
  }
  if (!load_status.ok()) {
    // Forgotten, so that the next request starts anew.
    status = basic_manager_->StopManagingServable(servable_id);
    if (!status.ok()) LOG(ERROR) << "Cannot forget " << servable_id << ": " << status;
  }
  return load_status;
}

PathPrefixLoaderFactory::PathPrefixLoaderFactory(const std::string& path_prefix,
                                                 std::unique_ptr<StoragePathSourceAdapter> adapter)
    : path_prefix_(path_prefix), adapter_(std::move(adapter)) {}

ServableData<std::unique_ptr<Loader>> PathPrefixLoaderFactory::CreateLoader(const ServableId& id) {
  using Data = ServableData<std::unique_ptr<Loader>>;
  if (id.version != 0) {
    return Data(id, absl::FailedPreconditionError(absl::StrCat(
                        "Servable ", id.DebugString(), " does not exist: the only version is 0")));
  }
  const std::vector<std::string> parts = absl::StrSplit(id.name, '/');
  if (id.name.empty() || std::find(parts.begin(), parts.end(), "..") != parts.end()) {
    return Data(
        id, absl::InvalidArgumentError(absl::StrCat("Not a servable's name: \"", id.name, "\"")));
  }
  absl::MutexLock lock(&mu_);
  return adapter_->AdaptOneVersion(
      ServableData<StoragePath>(id, io::JoinPath(path_prefix_, id.name)));
}

int64_t PathPrefixLoaderFactory::GetServableVersion(const std::string&,
                                                    ServableRequest::AutoVersionPolicy) const {
  return 0;
}

}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/serving_map.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace tensorflow {
namespace serving {
namespace internal {

void ServableUse::AddHolder() {
  absl::MutexLock lock(&mu_);
  ++num_holders_;
}

void ServableUse::RemoveHolder() {
  std::function<void()> idle;
  {
    absl::MutexLock lock(&mu_);
    if (--num_holders_ == 0) idle.swap(idle_);
  }
  if (idle) idle();
}

bool ServableUse::IsIdle() const {
  absl::MutexLock lock(&mu_);
  return num_holders_ == 0;
}

void ServableUse::CallWhenIdle(std::function<void()> idle) {
  {
    absl::MutexLock lock(&mu_);
    if (num_holders_ > 0) idle.swap(idle_);
  }
  if (idle) idle();
}

ServingMap::ServingMap() : published_(std::make_unique<Streams>()) {}

std::unique_ptr<UntypedServableHandle> ServingMap::Entry::MakeHandle() const {
  return std::make_unique<SharedPtrHandle>(id, shards[ShardOfThisThread(kNumShards)]);
}

void ServingMap::Add(const ServableId& id, Loader* loader) {
  Entry entry;
  entry.id = id;
  entry.use = std::make_shared<ServableUse>();
  for (std::shared_ptr<Loader>& shard : entry.shards) {
    entry.use->AddHolder();
    shard = std::shared_ptr<Loader>(loader, [use = entry.use](Loader*) { use->RemoveHolder(); });
  }
  absl::MutexLock lock(&update_mu_);
  streams_[id.name].insert_or_assign(id.version, std::move(entry));
  published_.Update(std::make_unique<Streams>(streams_));
}

std::shared_ptr<ServableUse> ServingMap::Remove(const ServableId& id) {
  Entry removed;  // lets go of the servable last of all, without the lock
  absl::MutexLock lock(&update_mu_);
  const auto stream = streams_.find(id.name);
  if (stream == streams_.end()) return nullptr;
  const auto version = stream->second.find(id.version);
  if (version == stream->second.end()) return nullptr;
  removed = std::move(version->second);
  stream->second.erase(version);
  if (stream->second.empty()) streams_.erase(stream);
  published_.Update(std::make_unique<Streams>(streams_));
  return removed.use;
}

const ServingMap::Entry* ServingMap::Find(const Versions& versions,
                                          const ServableRequest& request) {
  if (request.version) {
    const auto version = versions.find(*request.version);
    return version == versions.end() ? nullptr : &version->second;
  }
  if (versions.empty()) return nullptr;
  return request.auto_version_policy == ServableRequest::AutoVersionPolicy::kEarliest
             ? &versions.begin()->second
             : &versions.rbegin()->second;
}

absl::Status ServingMap::Find(const ServableRequest& request,
                              std::unique_ptr<UntypedServableHandle>* handle) const {
  {
    const std::shared_ptr<const Streams> streams = published_.get();
    const auto stream = streams->find(request.name);
    const Entry* entry = stream == streams->end() ? nullptr : Find(stream->second, request);
    if (entry != nullptr) {
      *handle = entry->MakeHandle();
      return absl::OkStatus();
    }
  }
  return absl::NotFoundError(
      absl::StrCat("Servable not found for request: ", request.DebugString()));
}

std::map<ServableId, std::unique_ptr<UntypedServableHandle>> ServingMap::GetHandles() const {
  std::map<ServableId, std::unique_ptr<UntypedServableHandle>> handles;
  const std::shared_ptr<const Streams> streams = published_.get();
  for (const auto& stream : *streams) {
    for (const auto& version : stream.second) {
      handles.emplace(version.second.id, version.second.MakeHandle());
    }
  }
  return handles;
}

std::vector<ServableId> ServingMap::GetIds() const {
  std::vector<ServableId> ids;
  const std::shared_ptr<const Streams> streams = published_.get();
  for (const auto& stream : *streams) {
    for (const auto& version : stream.second) ids.push_back(version.second.id);
  }
  return ids;
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/static_manager.h"

#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tensorflow_serving/core/servable_handle.h"

namespace tensorflow {
namespace serving {
namespace {

using Servables = StaticManagerBuilder::Servables;

class Handle final : public UntypedServableHandle {
 public:
  Handle(const ServableId& id, std::shared_ptr<UniqueAnyPtr> servable)
      : id_(id), servable_(std::move(servable)) {}

  const ServableId& id() const override { return id_; }
  AnyPtr servable() override { return servable_->as_any_ptr(); }

 private:
  const ServableId id_;
  const std::shared_ptr<UniqueAnyPtr> servable_;
};

class StaticManager final : public Manager {
 public:
  explicit StaticManager(Servables servables) : servables_(std::move(servables)) {}

  std::vector<ServableId> ListAvailableServableIds() const override {
    std::vector<ServableId> ids;
    for (const auto& [name, versions] : servables_) {
      for (const auto& [version, servable] : versions) ids.push_back({name, version});
    }
    return ids;
  }

 private:
  absl::Status GetUntypedServableHandle(
      const ServableRequest& request,
      std::unique_ptr<UntypedServableHandle>* untyped_handle) override {
    const auto versions = servables_.find(request.name);
    if (versions == servables_.end()) return NotFound(request);
    auto found = std::prev(versions->second.end());  // no stream is without versions
    if (request.version) {
      found = versions->second.find(*request.version);
      if (found == versions->second.end()) return NotFound(request);
    } else if (request.auto_version_policy == ServableRequest::AutoVersionPolicy::kEarliest) {
      found = versions->second.begin();
    }
    *untyped_handle =
        std::make_unique<Handle>(ServableId{request.name, found->first}, found->second);
    return absl::OkStatus();
  }

  std::map<ServableId, std::unique_ptr<UntypedServableHandle>> GetAvailableUntypedServableHandles()
      const override {
    std::map<ServableId, std::unique_ptr<UntypedServableHandle>> handles;
    for (const auto& [name, versions] : servables_) {
      for (const auto& [version, servable] : versions) {
        const ServableId id{name, version};
        handles.emplace(id, std::make_unique<Handle>(id, servable));
      }
    }
    return handles;
  }

  static absl::Status NotFound(const ServableRequest& request) {
    return absl::NotFoundError(
        absl::StrCat("Servable not found for request: ", request.DebugString()));
  }

  const Servables servables_;
};

}  // namespace

std::unique_ptr<Manager> StaticManagerBuilder::Build() {
  if (built_) return nullptr;
  built_ = true;
  return std::make_unique<StaticManager>(std::move(servables_));
}

absl::Status StaticManagerBuilder::NullServableError(const ServableId& id) {
  return absl::InvalidArgumentError(absl::StrCat("Servable ", id.DebugString(), " is null"));
}

absl::Status StaticManagerBuilder::Add(const ServableId& id,
                                       std::shared_ptr<UniqueAnyPtr> servable) {
  if (built_) return absl::FailedPreconditionError("The manager has been built already");
  if (id.version < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("Servable ", id.DebugString(), " has a negative version"));
  }
  if (!servables_[id.name].emplace(id.version, std::move(servable)).second) {
    return absl::AlreadyExistsError(
        absl::StrCat("Servable ", id.DebugString(), " has been added already"));
  }
  return absl::OkStatus();
}

}  // namespace serving
}  // namespace tensorflow

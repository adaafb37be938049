// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/platform_sources.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;

constexpr char kCommon[] = "";

// Of the models that other sources than `platform`'s watch.
std::set<std::string> NamesOfOthers(const std::map<std::string, tfs::ModelConfigList>& lists,
                                    const std::string& platform) {
  std::set<std::string> names;
  for (const auto& [other, list] : lists) {
    if (other == platform) continue;
    for (const tfs::ModelConfig& model : list.config()) names.insert(model.name());
  }
  return names;
}

tfs::ModelConfigList Without(const tfs::ModelConfigList& list, const std::set<std::string>& names) {
  tfs::ModelConfigList rest;
  for (const tfs::ModelConfig& model : list.config()) {
    if (names.count(model.name()) == 0) *rest.add_config() = model;
  }
  return rest;
}

}  // namespace

PlatformSources::PlatformSources(std::unique_ptr<tfs::ModelSource> common,
                                 std::map<std::string, CreateSource> own)
    : creators_(std::move(own)) {
  sources_[kCommon] = std::move(common);
}

PlatformSources::~PlatformSources() = default;

void PlatformSources::SetAspiredVersionsCallback(AspiredVersionsCallback callback) {
  callback_ = std::move(callback);
  for (const auto& [platform, source] : sources_) source->SetAspiredVersionsCallback(callback_);
}

absl::Status PlatformSources::UpdateModels(const tfs::ModelConfigList& models) {
  const Lists lists = Split(models);
  if (absl::Status status = CreateMissing(lists); !status.ok()) return status;
  if (absl::Status status = Apply(lists); !status.ok()) {
    // What a source has taken before, it takes again.
    for (const auto& [platform, source] : sources_) {
      source->UpdateModels(lists_[platform]).IgnoreError();
    }
    return status;
  }
  lists_ = lists;
  return absl::OkStatus();
}

PlatformSources::Lists PlatformSources::Split(const tfs::ModelConfigList& models) const {
  Lists lists;
  for (const tfs::ModelConfig& model : models.config()) {
    const bool own = creators_.count(model.model_platform()) > 0;
    *lists[own ? model.model_platform() : kCommon].add_config() = model;
  }
  return lists;
}

absl::Status PlatformSources::CreateMissing(const Lists& lists) {
  for (const auto& [platform, list] : lists) {
    if (sources_.count(platform) > 0) continue;
    absl::StatusOr<std::unique_ptr<tfs::ModelSource>> source = creators_.at(platform)();
    if (!source.ok()) {
      return absl::Status(source.status().code(), absl::StrCat("Source of platform ", platform,
                                                               ": ", source.status().message()));
    }
    if (*source == nullptr) {
      return absl::InternalError(absl::StrCat("No source was made for platform ", platform));
    }
    if (callback_ != nullptr) (*source)->SetAspiredVersionsCallback(callback_);
    sources_[platform] = *std::move(source);
  }
  return absl::OkStatus();
}

absl::Status PlatformSources::Apply(const Lists& lists) {
  // A model that goes from one source to another is given up by the old one before the new one
  // hears of it: no list of the old one may come last.
  for (const auto& [platform, source] : sources_) {
    const std::set<std::string> moved = NamesOfOthers(lists, platform);
    const tfs::ModelConfigList kept = Without(lists_[platform], moved);
    if (kept.config_size() == lists_[platform].config_size()) continue;
    if (absl::Status status = source->UpdateModels(kept); !status.ok()) return status;
  }
  // The common one first: it knows most of the models, and a list that it refuses has then changed
  // nothing.
  for (const auto& [platform, source] : sources_) {
    const auto list = lists.find(platform);
    absl::Status status =
        source->UpdateModels(list == lists.end() ? tfs::ModelConfigList() : list->second);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace tfserving_remote

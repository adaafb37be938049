// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/plugin/remote_models.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tensorflow_serving/core/target.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;

constexpr char kTensorFlowPlatform[] = "tensorflow";

VersionContentsKind ContentsOf(const tfs::ModelConfig& model) {
  // The deprecated model_type leaves the platform empty and can only mean TensorFlow.
  const bool saved_model =
      model.model_platform().empty() || model.model_platform() == kTensorFlowPlatform;
  return saved_model ? VersionContentsKind::kSavedModel : VersionContentsKind::kAnyFiles;
}

std::vector<MonitoredServable> ToServables(const tfs::ModelConfigList& models, ManifestMode mode) {
  std::vector<MonitoredServable> servables;
  for (const tfs::ModelConfig& model : models.config()) {
    MonitoredServable servable;
    servable.name = model.name();
    servable.base_path = model.base_path();
    servable.manifest_mode = mode;
    servable.contents = ContentsOf(model);
    servables.push_back(std::move(servable));
  }
  return servables;
}

VersionPolicyAdapter::Policies ToPolicies(const tfs::ModelConfigList& models) {
  VersionPolicyAdapter::Policies policies;
  for (const tfs::ModelConfig& model : models.config()) {
    policies[model.name()] = VersionPolicy::FromProto(model.model_version_policy());
  }
  return policies;
}

// Those that are looked for elsewhere from now on, so that what is known of them is over.
std::set<std::string> Moved(const std::vector<MonitoredServable>& before,
                            const std::vector<MonitoredServable>& now) {
  std::map<std::string, std::string> base_paths;
  for (const MonitoredServable& servable : before) base_paths[servable.name] = servable.base_path;
  std::set<std::string> moved;
  for (const MonitoredServable& servable : now) {
    const auto found = base_paths.find(servable.name);
    if (found != base_paths.end() && found->second != servable.base_path) {
      moved.insert(servable.name);
    }
  }
  return moved;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RemoteModels>> RemoteModels::Create(
    Options options, const StreamingOptions& streaming) {
  if (absl::Status status = streaming.Validate(); !status.ok()) return status;
  RemoteStoragePathSource::Options source;
  source.poll = std::move(options.poll);
  source.retry = std::move(options.retry);
  absl::StatusOr<std::unique_ptr<RemoteStoragePathSource>> created =
      RemoteStoragePathSource::Create(std::move(source),
                                      {*streaming.stores, *streaming.clock, *streaming.log,
                                       streaming.ledger.get(), /*random=*/nullptr});
  if (!created.ok()) return created.status();
  return std::unique_ptr<RemoteModels>(new RemoteModels(streaming, *std::move(created)));
}

RemoteModels::RemoteModels(const StreamingOptions& streaming,
                           std::unique_ptr<RemoteStoragePathSource> source)
    : streaming_(streaming), policy_({}, *streaming.log), source_(std::move(source)) {}

RemoteModels::~RemoteModels() = default;

void RemoteModels::SetAspiredVersionsCallback(AspiredVersionsCallback callback) {
  // From the sink upward, so that nothing is sent into the void.
  policy_.SetAspiredVersionsCallback(std::move(callback));
  tfs::ConnectSourceToTarget<tfs::StoragePath>(source_.get(), &policy_);
}

absl::Status RemoteModels::UpdateModels(const tfs::ModelConfigList& models) {
  const std::vector<MonitoredServable> servables =
      ToServables(models, streaming_.reader.manifest_mode);
  if (absl::Status status = RemoteStoragePathSource::Validate(servables); !status.ok()) {
    return status;
  }
  // The new policies first, since new models are polled at once; the old ones of models that go
  // last, since what goes must not be chosen from anew.
  VersionPolicyAdapter::Policies policies = ToPolicies(models);
  VersionPolicyAdapter::Policies old_and_new = policies;
  old_and_new.merge(policies_);
  policy_.SetPolicies(std::move(old_and_new), Moved(source_->servables(), servables));
  if (absl::Status status = source_->UpdateConfig(servables); !status.ok()) return status;
  policy_.SetPolicies(policies);
  policies_ = std::move(policies);
  return absl::OkStatus();
}

std::string RemoteModels::WhyNoVersion(const std::string& model) const {
  for (const ServableSourceStatus& status : source_->Snapshot()) {
    if (status.name != model) continue;
    if (!status.last_error.ok()) return std::string(status.last_error.message());
    if (status.last_poll == absl::InfinitePast()) {
      return absl::StrCat(status.base_path, " is being listed for the first time");
    }
    return status.versions.empty()
               ? absl::StrCat("no complete version under ", status.base_path)
               : absl::StrCat("found under ", status.base_path, ", about to load; ask again");
  }
  return "";
}

}  // namespace tfserving_remote

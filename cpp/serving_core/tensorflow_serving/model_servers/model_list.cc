// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/model_servers/model_list.h"

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/util/message_differencer.h"
#include "tensorflow/core/platform/path.h"
#include "tensorflow_serving/model_servers/model_platform_types.h"

namespace tensorflow {
namespace serving {
namespace internal {
namespace {

bool IsUri(absl::string_view path) {
  const size_t end_of_scheme = path.find("://");
  if (end_of_scheme == absl::string_view::npos || end_of_scheme == 0) return false;
  for (const char c : path.substr(0, end_of_scheme)) {
    if (!absl::ascii_isalnum(c) && c != '+' && c != '-' && c != '.') return false;
  }
  return absl::ascii_isalpha(path.front());
}

std::string NamesOf(const PlatformConfigMap& platforms) {
  std::set<std::string> names;
  for (const auto& platform : platforms.platform_configs()) names.insert(platform.first);
  return absl::StrJoin(names, ", ");
}

// model_type is deprecated, and still in many people's files.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
absl::Status ResolvePlatform(ModelConfig* model) {
  if (model->model_type() == MODEL_TYPE_UNSPECIFIED) {
    if (!model->model_platform().empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "Illegal setting neither model_type (deprecated) nor model_platform; model name is ",
        model->name(), "; write model_platform: \"", kTensorFlowModelPlatform, "\""));
  }
  if (!model->model_platform().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Illegal setting both model_type (deprecated) and model_platform; model name is ",
        model->name()));
  }
  if (model->model_type() != TENSORFLOW) {
    return absl::InvalidArgumentError(
        absl::StrCat("Model ", model->name(), " requests unsupported platform OTHER"));
  }
  model->set_model_platform(kTensorFlowModelPlatform);
  model->clear_model_type();
  return absl::OkStatus();
}
#pragma GCC diagnostic pop

absl::Status ResolveBasePath(const absl::optional<std::string>& root_dir, ModelConfig* model) {
  if (IsAbsolutePathOrUri(model->base_path())) return absl::OkStatus();
  if (!root_dir) {
    return absl::InvalidArgumentError(
        absl::StrCat("Expected model ", model->name(),
                     " to have an absolute path or URI; got base_path()=", model->base_path()));
  }
  model->set_base_path(io::JoinPath(*root_dir, model->base_path()));
  return absl::OkStatus();
}

absl::Status ResolveModel(const PlatformConfigMap& platforms,
                          const absl::optional<std::string>& root_dir, ModelConfig* model) {
  if (model->name().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "A model of the config list has no name; its base_path is ", model->base_path()));
  }
  absl::Status status = ResolveBasePath(root_dir, model);
  if (status.ok()) status = ResolvePlatform(model);
  if (!status.ok()) return status;
  if (platforms.platform_configs().contains(model->model_platform())) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("Model ", model->name(), " requests unsupported platform ",
                   model->model_platform(), "; there are: ", NamesOf(platforms)));
}

}  // namespace

bool IsAbsolutePathOrUri(absl::string_view path) {
  return absl::StartsWith(path, "/") || IsUri(path);
}

absl::Status CheckRootDir(const absl::optional<std::string>& root_dir) {
  if (!root_dir || IsAbsolutePathOrUri(*root_dir)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "Expected model_config_list_root_dir to be an absolute path or URI; got ", *root_dir));
}

absl::Status CheckTransition(const ModelServerConfig& from, const ModelServerConfig& to) {
  const bool both_lists = from.has_model_config_list() && to.has_model_config_list();
  if (from.config_case() == ModelServerConfig::CONFIG_NOT_SET || both_lists ||
      google::protobuf::util::MessageDifferencer::Equals(from, to)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      "Cannot transition to requested config. It is only legal to transition from one "
      "ModelConfigList to another.");
}

absl::Status ResolveModelList(const ModelConfigList& list, const PlatformConfigMap& platforms,
                              const absl::optional<std::string>& root_dir,
                              ModelConfigList* resolved) {
  *resolved = list;
  std::set<std::string> names;
  for (ModelConfig& model : *resolved->mutable_config()) {
    absl::Status status = ResolveModel(platforms, root_dir, &model);
    if (!status.ok()) return status;
    if (!names.insert(model.name()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("Illegal to list model ", model.name(), " multiple times in config list"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPlatformsStay(const ModelConfigList& from, const ModelConfigList& to) {
  std::map<std::string, std::string> before;
  for (const ModelConfig& model : from.config()) before[model.name()] = model.model_platform();
  for (const ModelConfig& model : to.config()) {
    const auto old = before.find(model.name());
    if (old == before.end() || old->second == model.model_platform()) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "Illegal to change a model's platform. For model ", model.name(), " platform was ",
        old->second, " and new platform requested is ", model.model_platform()));
  }
  return absl::OkStatus();
}

LabelConfig LabelsOf(const ModelConfigList& list) {
  LabelConfig labels;
  for (const ModelConfig& model : list.config()) {
    for (const auto& [label, version] : model.version_labels()) {
      labels[model.name()][label] = version;
    }
  }
  return labels;
}

std::set<std::string> NamesOf(const ModelConfigList& list) {
  std::set<std::string> names;
  for (const ModelConfig& model : list.config()) names.insert(model.name());
  return names;
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

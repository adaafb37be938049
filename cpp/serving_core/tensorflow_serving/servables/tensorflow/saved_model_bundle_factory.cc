// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/tensorflow/saved_model_bundle_factory.h"

#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/log/log.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tensorflow/cc/saved_model/constants.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/platform/path.h"
#include "tensorflow/core/protobuf/named_tensor.pb.h"
#include "tensorflow_serving/servables/tensorflow/bundle_factory_util.h"
#include "tensorflow_serving/servables/tensorflow/curried_session.h"
#include "tensorflow_serving/servables/tensorflow/session_overrides.h"

namespace tensorflow {
namespace serving {
namespace {

constexpr char kDefaultTag[] = "serve";
constexpr char kWarmupFileName[] = "tf_serving_warmup_requests";

// OK, kNotFound, or why nobody knows.
absl::Status Find(const std::string& folder, absl::string_view name) {
  return Env::Default()->FileExists(io::JoinPath(folder, name));
}

absl::Status CheckIsSavedModel(const std::string& path) {
  absl::Status found = Find(path, "export.meta");
  if (found.ok()) {
    return absl::UnimplementedError("Session Bundle is deprecated and removed.");
  }
  if (!absl::IsNotFound(found)) return found;
  for (const absl::string_view name :
       {kSavedModelFilenamePb, kSavedModelFilenameCpb, kSavedModelFilenamePbTxt}) {
    found = Find(path, name);
    if (!absl::IsNotFound(found)) return found;
  }
  return absl::NotFoundError(
      absl::StrCat("Specified file path does not appear to contain a SavedModel bundle (should "
                   "have a file called `saved_model.pb`)\nSpecified file path: ",
                   path));
}

// kUnimplemented if the folder holds `name`, with what that file asks for.
absl::Status CheckHasNo(const std::string& path, absl::string_view name, absl::string_view wish) {
  const absl::Status found = Find(path, name);
  if (absl::IsNotFound(found)) return absl::OkStatus();
  if (!found.ok()) return found;
  return absl::UnimplementedError(
      absl::StrCat(wish, " is not implemented, but ", path, " holds ", name));
}

std::unordered_set<std::string> TagsOf(const SessionBundleConfig& config) {
  if (config.saved_model_tags().empty()) return {kDefaultTag};
  return {config.saved_model_tags().begin(), config.saved_model_tags().end()};
}

absl::Status ReadFixedInputs(const SessionBundleConfig& config, CurriedSession::Inputs* inputs) {
  for (const NamedTensorProto& input : config.experimental_fixed_input_tensors()) {
    Tensor tensor;
    if (!tensor.FromProto(input.tensor())) {
      return absl::InvalidArgumentError(
          absl::StrCat("The fixed input ", input.name(), " is no tensor"));
    }
    inputs->emplace_back(input.name(), std::move(tensor));
  }
  return absl::OkStatus();
}

// What requests and GetModelMetadata read; the rest, the graph above all, takes memory only.
void KeepOnlySignatures(MetaGraphDef* graph) {
  MetaGraphDef kept;
  kept.mutable_signature_def()->swap(*graph->mutable_signature_def());
  *graph = std::move(kept);
}

}  // namespace

absl::Status SavedModelBundleFactory::Create(const SessionBundleConfig& config,
                                             std::unique_ptr<SavedModelBundleFactory>* factory) {
  const bool batches_every_model =
      config.has_batching_parameters() && !config.enable_per_model_batching_params();
  if (batches_every_model || config.has_in_graph_batching_parameters()) {
    return absl::UnimplementedError(
        "Batching is not implemented; leave batching_parameters and in_graph_batching_parameters "
        "unset");
  }
  factory->reset(new SavedModelBundleFactory(config));
  return absl::OkStatus();
}

absl::Status SavedModelBundleFactory::CreateSavedModelBundle(
    const std::string& path, std::unique_ptr<SavedModelBundle>* bundle) {
  return CreateBundle(nullptr, path, bundle);
}

absl::Status SavedModelBundleFactory::CreateSavedModelBundleWithMetadata(
    const Loader::Metadata& metadata, const std::string& path,
    std::unique_ptr<SavedModelBundle>* bundle) {
  return CreateBundle(&metadata, path, bundle);
}

absl::Status SavedModelBundleFactory::EstimateResourceRequirement(
    const std::string& path, ResourceAllocation* estimate) const {
  return EstimateResourceFromPath(path, config_.resource_estimation_uses_validation_result(),
                                  estimate);
}

absl::Status SavedModelBundleFactory::CreateBundle(
    const Loader::Metadata* metadata, const std::string& path,
    std::unique_ptr<SavedModelBundle>* bundle) const {
  if (absl::Status status = CheckCanLoad(path); !status.ok()) return status;
  SessionOptions options;
  absl::Status status = MakeSessionOptions(metadata, path, &options);
  if (!status.ok()) return status;
  auto loaded = std::make_unique<SavedModelBundle>();
  status = LoadSavedModel(options, GetRunOptions(config_), path, TagsOf(config_), loaded.get());
  if (!status.ok()) return status;
  if (status = FinishSession(&loaded->session); !status.ok()) return status;
  if (config_.remove_unused_fields_from_bundle_metagraph()) {
    KeepOnlySignatures(&loaded->meta_graph_def);
  }
  WarnOfWarmupData(path);
  *bundle = std::move(loaded);
  return absl::OkStatus();
}

absl::Status SavedModelBundleFactory::CheckCanLoad(const std::string& path) const {
  if (config_.enable_saved_model_config()) {
    return absl::UnimplementedError("Saved model config functionality is not implemented.");
  }
  absl::Status status;
  if (config_.prefer_tflite_model()) {
    status = CheckHasNo(path, "model.tflite", "Serving with TensorFlow Lite (prefer_tflite_model)");
  }
  if (status.ok() && config_.enable_per_model_batching_params()) {
    status = CheckHasNo(path, "batching_params.pbtxt", "Batching");
  }
  return status.ok() ? CheckIsSavedModel(path) : status;
}

absl::Status SavedModelBundleFactory::MakeSessionOptions(const Loader::Metadata* metadata,
                                                         const std::string& path,
                                                         SessionOptions* options) const {
  *options = GetSessionOptions(config_);
  if (metadata != nullptr && config_.enable_session_metadata()) {
    SessionMetadata* const told =
        options->config.mutable_experimental()->mutable_session_metadata();
    told->set_name(metadata->servable_id.name);
    told->set_version(metadata->servable_id.version);
  }
  return ApplySessionOverrides(path, options);
}

absl::Status SavedModelBundleFactory::FinishSession(std::unique_ptr<Session>* session) const {
  CurriedSession::Inputs fixed;
  if (absl::Status status = ReadFixedInputs(config_, &fixed); !status.ok()) return status;
  if (!fixed.empty()) *session = std::make_unique<CurriedSession>(std::move(*session), fixed);
  return config_.wrap_session_with_no_threading_params()
             ? WrapSessionIgnoreThreadPoolOptions(session)
             : WrapSession(session);
}

void SavedModelBundleFactory::WarnOfWarmupData(const std::string& path) const {
  if (!config_.enable_model_warmup()) return;
  const std::string folder = io::JoinPath(path, kSavedModelAssetsExtraDirectory);
  if (!Find(folder, kWarmupFileName).ok()) return;
  LOG(WARNING) << "Warm-up is not implemented; the requests in " << folder << "/" << kWarmupFileName
               << " are not replayed";
}

}  // namespace serving
}  // namespace tensorflow

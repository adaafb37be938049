// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/tensorflow/session_overrides.h"

#include "absl/log/log.h"
#include "absl/strings/str_cat.h"
#include "tensorflow/cc/saved_model/constants.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/platform/path.h"
#include "tensorflow/core/public/session_options.h"
#include "tensorflow_serving/servables/tensorflow/saved_model_config.pb.h"

namespace tensorflow {
namespace serving {
namespace {

constexpr char kFileName[] = "saved_model_config.pb";

absl::Status Apply(const SessionOverrides& overrides, const std::string& path,
                   SessionOptions* options) {
  if (overrides.has_remote_op_remap_config()) {
    return absl::UnimplementedError(
        absl::StrCat("remote_op_remap_config is not implemented, but ", path, " asks for it"));
  }
  if (overrides.has_batch_op_rewriter_config()) {
    LOG(WARNING) << "batch_op_rewriter_config is not implemented: " << path
                 << " asks for it, and the graph's batch operations run as they are";
  }
  if (overrides.disable_meta_optimizer()) {
    options->config.mutable_graph_options()->mutable_rewrite_options()->set_disable_meta_optimizer(
        true);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplySessionOverrides(const std::string& export_dir, SessionOptions* options) {
  const std::string path = io::JoinPath(export_dir, kSavedModelAssetsExtraDirectory, kFileName);
  Env* const env = Env::Default();
  absl::Status status = env->FileExists(path);
  if (absl::IsNotFound(status)) return absl::OkStatus();
  std::string bytes;
  if (status.ok()) status = ReadFileToString(env, path, &bytes);
  if (!status.ok()) return status;
  SavedModelConfig config;
  if (!config.ParseFromString(bytes)) {
    LOG(WARNING) << path << " is no SavedModelConfig; it is ignored";
    return absl::OkStatus();
  }
  return Apply(config.session_overrides(), path, options);
}

}  // namespace serving
}  // namespace tensorflow

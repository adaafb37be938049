// SPDX-License-Identifier: Apache-2.0
// Ours: internal to ServerCore. What makes a list of models one that can be served; pure.
#ifndef TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_LIST_H_
#define TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_LIST_H_

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/config/platform_config.pb.h"
#include "tensorflow_serving/model_servers/version_labels.h"

namespace tensorflow {
namespace serving {
namespace internal {

// `/folder` or `scheme://anything`.
bool IsAbsolutePathOrUri(absl::string_view path);

// kInvalidArgument if relative paths would be relative to a relative one.
absl::Status CheckRootDir(const absl::optional<std::string>& root_dir);

// kFailedPrecondition unless this is the first configuration, the same again, or one list of models
// after another.
absl::Status CheckTransition(const ModelServerConfig& from, const ModelServerConfig& to);

// The list as sources want it: base paths joined to `root_dir`, and model_platform instead of
// model_type. kInvalidArgument, with the model that is wrong, for a list that cannot be served.
absl::Status ResolveModelList(const ModelConfigList& list, const PlatformConfigMap& platforms,
                              const absl::optional<std::string>& root_dir,
                              ModelConfigList* resolved);

// kInvalidArgument if a model of both (resolved) lists has two platforms.
absl::Status CheckPlatformsStay(const ModelConfigList& from, const ModelConfigList& to);

LabelConfig LabelsOf(const ModelConfigList& list);
std::set<std::string> NamesOf(const ModelConfigList& list);

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_LIST_H_

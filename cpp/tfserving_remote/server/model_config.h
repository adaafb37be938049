// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_MODEL_CONFIG_H_
#define TFSERVING_REMOTE_SERVER_MODEL_CONFIG_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "tensorflow_serving/config/file_system_storage_path_source.pb.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tfserving_remote/server/server_options.h"

namespace tfserving_remote {

/// Which models to serve, from --model_config_file or --model_name and --model_base_path. Whether
/// they can be served is for ServerCore to say.
///
/// Errors:   NOT_FOUND (no such file), INVALID_ARGUMENT with TensorFlow Serving's words and the
///           line of the file that is wrong.
absl::StatusOr<tensorflow::serving::ModelServerConfig> ReadModelConfig(
    const ServerOptions& options);

/// The value of --model_version_policy. Pure.
absl::StatusOr<tensorflow::serving::FileSystemStoragePathSourceConfig::ServableVersionPolicy>
ParseVersionPolicy(absl::string_view text);

/// Reads a text proto. INVALID_ARGUMENT `Invalid protobuf file: 'path'` with line and column.
absl::Status ReadTextProto(const std::string& path, google::protobuf::Message* message);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_MODEL_CONFIG_H_

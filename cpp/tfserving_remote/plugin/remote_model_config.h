// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_PLUGIN_REMOTE_MODEL_CONFIG_H_
#define TFSERVING_REMOTE_PLUGIN_REMOTE_MODEL_CONFIG_H_

#include <functional>

#include "absl/status/status.h"
#include "google/protobuf/any.pb.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/servable_state.h"
#include "tensorflow_serving/util/event_bus.h"
#include "tensorflow_serving/util/unique_ptr_with_deps.h"
#include "tfserving_remote/base/log.h"

namespace tfserving_remote {

/// What ServerCore::Options::custom_model_config_loader is.
using RemoteModelConfigLoader = std::function<absl::Status(
    const google::protobuf::Any& config,
    tensorflow::serving::EventBus<tensorflow::serving::ServableState>* event_bus,
    tensorflow::serving::UniquePtrWithDeps<tensorflow::serving::AspiredVersionsManager>* manager)>;

/// The whole plugin for a server that is built in TensorFlow Serving's own tree:
///
///   options.custom_model_config_loader = tfserving_remote::CreateRemoteModelConfigLoader();
///
/// and in its configuration file a RemoteModelsConfig (remote_model_config.proto):
///
///   custom_model_config {
///     [type.googleapis.com/tfserving_remote.RemoteModelsConfig] {
///       model_config_list {
///         config { name: "m" base_path: "s3://bucket/m" model_platform: "tensorflow" }
///       }
///     }
///   }
///
/// The loader builds manager, source, policy and streaming adapter, and gives them all to
/// `manager`. It returns as soon as they stand: versions become available later, as the event bus
/// tells.
///
/// Units:    none.
/// Errors:   of the loader: INVALID_ARGUMENT names the field, model or variable that makes no
///           sense.
/// Threads:  loaders may be called from any thread.
/// Lifetime: `log` outlives every manager that was made; so does the event bus.
RemoteModelConfigLoader CreateRemoteModelConfigLoader(LogSink& log);
/// The same with lines on stderr.
RemoteModelConfigLoader CreateRemoteModelConfigLoader();

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_PLUGIN_REMOTE_MODEL_CONFIG_H_

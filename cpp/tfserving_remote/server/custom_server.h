// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_CUSTOM_SERVER_H_
#define TFSERVING_REMOTE_SERVER_CUSTOM_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tensorflow_serving/core/aspired_version_policy.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/model_servers/model_source.h"

namespace tensorflow::serving {
class ServerCore;
}  // namespace tensorflow::serving

namespace tfserving_remote {

class GrpcServer;

/// A type of model, named by `model_platform` in models.config.
struct ModelPlatform {
  std::string name;
  /// Makes what turns a version's folder into a Loader, before the first model is looked for. A
  /// Loader whose servable is a tensorflow::serving::Servable answers Predict and GetModelMetadata;
  /// what others are for is between them and `register_services`.
  std::function<absl::StatusOr<std::unique_ptr<tensorflow::serving::StoragePathSourceAdapter>>()>
      create_adapter;
  /// Where versions come from; their paths go to the adapter as they are. Null: versions are found
  /// in stores as those of SavedModels are, and streamed: the adapter gets a folder of TensorFlow's
  /// file system (`remote://...`) whose files arrive while they are read.
  std::function<absl::StatusOr<std::unique_ptr<tensorflow::serving::ModelSource>>()> create_source;
};

/// What a tensorflow_model_server of one's own adds to the one of this project.
struct ServerExtensions {
  /// Beside "tensorflow". A platform may be replaced by its name, "tensorflow" too.
  std::vector<ModelPlatform> platforms;
  /// Null: AvailabilityPreservingPolicy.
  std::function<std::unique_ptr<tensorflow::serving::AspiredVersionPolicy>()>
      aspired_version_policy;
  /// Adds gRPC methods of one's own, before the ports open. Both outlive every call.
  std::function<void(GrpcServer& server, tensorflow::serving::ServerCore& core)> register_services;
};

/// `main` of tensorflow_model_server: flags, signals, exit code.
///
/// Units:    none.
/// Errors:   on stdout, with exit code 255, whatever keeps the server from starting.
/// Threads:  for the process's first thread, before others are started: it blocks SIGTERM and
///           SIGINT for all of them.
/// Lifetime: what the extensions make dies before this returns.
int ServerMain(int argc, char** argv, ServerExtensions extensions = {});

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_CUSTOM_SERVER_H_

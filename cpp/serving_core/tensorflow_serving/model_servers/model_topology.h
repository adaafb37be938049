// SPDX-License-Identifier: Apache-2.0
// Ours: internal to ServerCore.
#ifndef TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_TOPOLOGY_H_
#define TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_TOPOLOGY_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/dynamic_source_router.h"
#include "tensorflow_serving/core/prefix_storage_path_source_adapter.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tensorflow_serving/model_servers/model_source.h"
#include "tensorflow_serving/model_servers/server_core.h"

namespace tensorflow {
namespace serving {
namespace internal {

// What stands between a list of models and the manager: source → [prefix] → router → one adapter
// for each platform, and one more for models of no platform, which makes errors of them.
//
// Units:    none.
// Errors:   those of the source and of what makes source and adapters.
// Threads:  used by one thread at a time; what it is made of calls back from threads of its own.
// Lifetime: dies before the manager it is connected to.
class ModelTopology {
 public:
  // Makes all parts; connects none.
  static absl::Status Create(const ServerCore::Options& options,
                             std::unique_ptr<ModelTopology>* topology);
  ModelTopology(const ModelTopology&) = delete;
  ModelTopology& operator=(const ModelTopology&) = delete;

  // Watches these models from now on, each through the adapter of its platform. A list that the
  // source refuses changes nothing.
  absl::Status Update(const ModelConfigList& models);

  // Connects everything, once.
  void Connect(AspiredVersionsManager* manager);

 private:
  using Router = DynamicSourceRouter<StoragePath>;

  ModelTopology() = default;
  absl::Status CreateSource(const ServerCore::Options& options);
  absl::Status CreateAdapters(const ServerCore::Options& options);
  Router::Routes RoutesOf(const ModelConfigList& models) const;

  // From the sink upward: the last one dies first.
  std::vector<std::unique_ptr<StoragePathSourceAdapter>> adapters_;
  std::map<std::string, int> port_of_platform_;
  std::unique_ptr<Router> router_;
  // Null: no prefix.
  std::unique_ptr<PrefixStoragePathSourceAdapter> prefix_;
  std::unique_ptr<ModelSource> source_;
};

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_MODEL_SERVERS_MODEL_TOPOLOGY_H_

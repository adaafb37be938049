// SPDX-License-Identifier: Apache-2.0
// An embedder that knows TensorFlow Serving's interfaces alone: a platform registered by the proto
// of its configuration, a servable of a type that the library has never seen, and a ServerCore.
//
//   embedder BASE_PATH GREETING      prints the greeting and what stands in the newest version
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "google/protobuf/wrappers.pb.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/simple_loader.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/model_servers/server_core.h"

using tensorflow::Status;
using namespace tensorflow::serving;  // NOLINT: as small programs of this API are written

namespace {

struct Greeting {
  std::string text;
};

class GreetingAdapter final : public SimpleLoaderSourceAdapter<StoragePath, Greeting> {
 public:
  explicit GreetingAdapter(const std::string& greeting)
      : SimpleLoaderSourceAdapter<StoragePath, Greeting>(
            [greeting](const StoragePath& path, std::unique_ptr<Greeting>* servable) {
              std::ifstream file(path + "/name.txt");
              if (!file) return absl::NotFoundError(path + "/name.txt");
              const std::string name(std::istreambuf_iterator<char>(file), {});
              *servable = std::make_unique<Greeting>(Greeting{greeting + ", " + name});
              return absl::OkStatus();
            },
            EstimateNoResources()) {}
  ~GreetingAdapter() override { Detach(); }
};

struct GreetingAdapterCreator {
  static Status Create(const google::protobuf::StringValue& config,
                       std::unique_ptr<StoragePathSourceAdapter>* adapter) {
    *adapter = std::make_unique<GreetingAdapter>(config.value());
    return absl::OkStatus();
  }
};
REGISTER_STORAGE_PATH_SOURCE_ADAPTER(GreetingAdapterCreator, google::protobuf::StringValue);

ServerCore::Options MakeOptions(const std::string& base_path, const std::string& greeting) {
  ServerCore::Options options;
  ModelConfig* model = options.model_server_config.mutable_model_config_list()->add_config();
  model->set_name("hello");
  model->set_base_path(base_path);
  model->set_model_platform("greeting");
  google::protobuf::StringValue config;
  config.set_value(greeting);
  (*options.platform_config_map.mutable_platform_configs())["greeting"]
      .mutable_source_adapter_config()
      ->PackFrom(config);
  options.max_num_load_retries = 0;
  options.aspired_version_policy = std::make_unique<AvailabilityPreservingPolicy>();
  return options;
}

Status Run(const std::string& base_path, const std::string& greeting) {
  std::unique_ptr<ServerCore> core;
  Status status = ServerCore::Create(MakeOptions(base_path, greeting), &core);
  if (!status.ok()) return status;
  ModelSpec spec;
  spec.set_name("hello");
  ServableHandle<Greeting> handle;
  status = core->GetServableHandle(spec, &handle);
  if (!status.ok()) return status;
  std::printf("%s (version %d)\n", handle->text.c_str(), static_cast<int>(handle.id().version));
  ServableHandle<int> wrong;
  if (core->GetServableHandle(spec, &wrong).ok()) return absl::InternalError("found as an int");
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const Status status = Run(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

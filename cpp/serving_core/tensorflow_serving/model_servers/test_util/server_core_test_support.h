// SPDX-License-Identifier: Apache-2.0
// Doubles for the tests of this room alone.
#ifndef TENSORFLOW_SERVING_MODEL_SERVERS_TEST_UTIL_SERVER_CORE_TEST_SUPPORT_H_
#define TENSORFLOW_SERVING_MODEL_SERVERS_TEST_UTIL_SERVER_CORE_TEST_SUPPORT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/core/test_util/availability_test_util.h"
#include "tensorflow_serving/model_servers/server_core.h"
#include "tensorflow_serving/model_servers/test_util/fake_platform.h"

namespace tensorflow {
namespace serving {
namespace test_util {

inline ModelSpec Spec(const std::string& name) {
  ModelSpec spec;
  spec.set_name(name);
  return spec;
}

inline ModelSpec Spec(const std::string& name, int64_t version) {
  ModelSpec spec = Spec(name);
  spec.mutable_version()->set_value(version);
  return spec;
}

inline ModelSpec SpecOfLabel(const std::string& name, const std::string& label) {
  ModelSpec spec = Spec(name);
  spec.set_version_label(label);
  return spec;
}

// A model below /models, of the platform "text".
inline ModelConfig Model(const std::string& name,
                         const std::vector<std::pair<std::string, int64_t>>& labels = {}) {
  ModelConfig model;
  model.set_name(name);
  model.set_base_path(absl::StrCat("/models/", name));
  model.set_model_platform("text");
  for (const auto& [label, version] : labels) (*model.mutable_version_labels())[label] = version;
  return model;
}

inline ModelServerConfig ListOfModels(const std::vector<ModelConfig>& models) {
  ModelServerConfig config;
  config.mutable_model_config_list();
  for (const ModelConfig& model : models) {
    *config.mutable_model_config_list()->add_config() = model;
  }
  return config;
}

// A core whose source finds what Aspire says.
class ServerCoreTestBase : public ::testing::Test {
 protected:
  void SetUp() override { loads().Reset(); }

  static FakeLoads& loads() { return FakeLoads::Get(); }

  ServerCore::Options MakeOptions(const ModelServerConfig& config = {}) const {
    ServerCore::Options options;
    options.model_server_config = config;
    options.aspired_version_policy = std::make_unique<AvailabilityPreservingPolicy>();
    options.num_load_threads = 4;
    options.max_num_load_retries = 0;
    options.platform_config_map = TwoPlatforms();
    options.model_source_creator = [script = script_](std::unique_ptr<ModelSource>* source) {
      *source = std::make_unique<FakeModelSource>(script);
      return absl::OkStatus();
    };
    return options;
  }
  absl::Status Create(const ModelServerConfig& config) {
    return ServerCore::Create(MakeOptions(config), &core_);
  }

  // From now on the source finds exactly these versions, and says so if it is asked for the model.
  void Aspire(const std::string& model, const std::vector<int64_t>& versions) {
    FakeModelSource* source = nullptr;
    {
      absl::MutexLock lock(&script_->mu);
      script_->versions[model] = versions;
      source = script_->source;
    }
    if (source != nullptr) source->Poll(model);
  }
  void RefuseUpdatesWith(const absl::Status& status) {
    absl::MutexLock lock(&script_->mu);
    script_->refusal = status;
  }

  void AwaitState(const ServableId& id, ServableState::ManagerState state) const {
    WaitUntilServableManagerStateIsOneOf(*core_->servable_state_monitor(), id, {state});
  }
  // What serves: the path it was loaded from, or the error.
  std::string Ask(const ModelSpec& spec) const {
    ServableHandle<std::string> handle;
    const absl::Status status = core_->GetServableHandle(spec, &handle);
    return status.ok() ? *handle : status.ToString();
  }

  const std::shared_ptr<FakeModelSource::Script> script_ =
      std::make_shared<FakeModelSource::Script>();
  std::unique_ptr<ServerCore> core_;
};

inline ::testing::Matcher<absl::Status> Fails(absl::StatusCode code, const std::string& words) {
  return ::testing::AllOf(
      ::testing::Property("code", &absl::Status::code, code),
      ::testing::ResultOf(
          "message", [](const absl::Status& s) { return std::string(s.message()); },
          ::testing::HasSubstr(words)));
}

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_MODEL_SERVERS_TEST_UTIL_SERVER_CORE_TEST_SUPPORT_H_

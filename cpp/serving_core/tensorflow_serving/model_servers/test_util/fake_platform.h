// SPDX-License-Identifier: Apache-2.0
// Doubles for the tests of this room alone.
#ifndef TENSORFLOW_SERVING_MODEL_SERVERS_TEST_UTIL_FAKE_PLATFORM_H_
#define TENSORFLOW_SERVING_MODEL_SERVERS_TEST_UTIL_FAKE_PLATFORM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/config/platform_config.pb.h"
#include "tensorflow_serving/model_servers/model_source.h"
#include "tensorflow_serving/servables/servable.h"

namespace tensorflow {
namespace serving {
namespace test_util {

// What becomes of loads, by storage path. One for the process, because the adapters that the
// registry makes have nothing else in common with a test.
class FakeLoads {
 public:
  static FakeLoads& Get();

  // Forgets everything; for the beginning of a test.
  void Reset();
  void FailWith(const std::string& path, absl::Status status);
  void SetRamBytes(const std::string& path, uint64_t bytes);
  // Loads of this path stop in the middle from now on, until it is released.
  void Hold(const std::string& path);
  void Release(const std::string& path);
  void AwaitHeld(const std::string& path);
  // Loads that have begun, and that stand loaded or are about to.
  int num_loads(const std::string& path) const;
  int num_loaded() const;
  // How often anybody asked how much memory a version needs.
  int num_estimates() const;

 private:
  friend class FakeModelLoader;

  struct Script {
    absl::Status status;
    uint64_t ram_bytes = 0;
    bool hold = false;
    int num_loads = 0;
  };
  absl::Status Load(const std::string& path);
  void Unload();
  uint64_t ram_bytes(const std::string& path);

  mutable absl::Mutex mu_;
  std::map<std::string, Script> scripts_ ABSL_GUARDED_BY(mu_);
  int num_loaded_ ABSL_GUARDED_BY(mu_) = 0;
  int num_estimates_ ABSL_GUARDED_BY(mu_) = 0;
};

// What the platform "other" serves.
class OtherModel final : public Servable {
 public:
  using Servable::Servable;
};

// The platforms "text", whose servables are strings `greeting:path`, and "other", whose servables
// are OtherModels. Both are made by the registry of source adapters.
PlatformConfigMap TwoPlatforms(const std::string& greeting = "hello");

// A source that finds what the test says, at once.
class FakeModelSource final : public ModelSource {
 public:
  // What a test shares with the source, which dies with its core.
  struct Script {
    absl::Mutex mu;
    std::map<std::string, std::vector<int64_t>> versions ABSL_GUARDED_BY(mu);
    absl::Status refusal ABSL_GUARDED_BY(mu);
    FakeModelSource* source ABSL_GUARDED_BY(mu) = nullptr;
  };

  explicit FakeModelSource(std::shared_ptr<Script> script);
  ~FakeModelSource() override;

  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override;
  absl::Status UpdateModels(const ModelConfigList& models) override;
  // Sends the model's list again.
  void Poll(const std::string& model);

 private:
  const std::shared_ptr<Script> script_;
  absl::Mutex mu_;
  AspiredVersionsCallback callback_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::string> base_paths_ ABSL_GUARDED_BY(mu_);
};

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_MODEL_SERVERS_TEST_UTIL_FAKE_PLATFORM_H_

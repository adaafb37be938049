// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/model_servers/test_util/fake_platform.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/wrappers.pb.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/resources/resource_values.h"

namespace tensorflow {
namespace serving {
namespace test_util {

FakeLoads& FakeLoads::Get() {
  static FakeLoads* const loads = new FakeLoads;
  return *loads;
}

void FakeLoads::Reset() {
  absl::MutexLock lock(&mu_);
  scripts_.clear();
  num_loaded_ = 0;
  num_estimates_ = 0;
}

void FakeLoads::FailWith(const std::string& path, absl::Status status) {
  absl::MutexLock lock(&mu_);
  scripts_[path].status = std::move(status);
}

void FakeLoads::SetRamBytes(const std::string& path, uint64_t bytes) {
  absl::MutexLock lock(&mu_);
  scripts_[path].ram_bytes = bytes;
}

void FakeLoads::Hold(const std::string& path) {
  absl::MutexLock lock(&mu_);
  scripts_[path].hold = true;
}

void FakeLoads::Release(const std::string& path) {
  absl::MutexLock lock(&mu_);
  scripts_[path].hold = false;
}

void FakeLoads::AwaitHeld(const std::string& path) {
  absl::MutexLock lock(&mu_);
  const Script& script = scripts_[path];
  const auto begun = [&script] { return script.num_loads > 0; };
  mu_.Await(absl::Condition(&begun));
}

int FakeLoads::num_loads(const std::string& path) const {
  absl::MutexLock lock(&mu_);
  const auto script = scripts_.find(path);
  return script == scripts_.end() ? 0 : script->second.num_loads;
}

int FakeLoads::num_loaded() const {
  absl::MutexLock lock(&mu_);
  return num_loaded_;
}

int FakeLoads::num_estimates() const {
  absl::MutexLock lock(&mu_);
  return num_estimates_;
}

absl::Status FakeLoads::Load(const std::string& path) {
  absl::MutexLock lock(&mu_);
  Script& script = scripts_[path];
  ++script.num_loads;
  const auto released = [&script] { return !script.hold; };
  mu_.Await(absl::Condition(&released));
  if (script.status.ok()) ++num_loaded_;
  return script.status;
}

void FakeLoads::Unload() {
  absl::MutexLock lock(&mu_);
  --num_loaded_;
}

uint64_t FakeLoads::ram_bytes(const std::string& path) {
  absl::MutexLock lock(&mu_);
  ++num_estimates_;
  return scripts_[path].ram_bytes;
}

// Makes a T when it is loaded.
class FakeModelLoader : public Loader {
 public:
  explicit FakeModelLoader(std::string path) : path_(std::move(path)) {}

  absl::Status EstimateResources(ResourceAllocation* estimate) const override {
    estimate->Clear();
    ResourceAllocation::Entry* const ram = estimate->add_resource_quantities();
    ram->mutable_resource()->set_device(device_types::kMain);
    ram->mutable_resource()->set_kind(resource_kinds::kRamBytes);
    ram->set_quantity(FakeLoads::Get().ram_bytes(path_));
    return absl::OkStatus();
  }
  absl::Status LoadWithMetadata(const Metadata& metadata) override {
    const absl::Status status = FakeLoads::Get().Load(path_);
    if (status.ok()) MakeServable(metadata.servable_id, path_);
    return status;
  }
  void Unload() override { FakeLoads::Get().Unload(); }

 private:
  virtual void MakeServable(const ServableId& id, const std::string& path) = 0;

  const std::string path_;
};

namespace {

class TextLoader final : public FakeModelLoader {
 public:
  TextLoader(const std::string& greeting, const std::string& path)
      : FakeModelLoader(path), greeting_(greeting) {}
  AnyPtr servable() override { return &text_; }

 private:
  void MakeServable(const ServableId& id, const std::string& path) override {
    text_ = absl::StrCat(greeting_, ":", path);
  }

  const std::string greeting_;
  std::string text_;
};

class OtherLoader final : public FakeModelLoader {
 public:
  explicit OtherLoader(const std::string& path) : FakeModelLoader(path) {}
  AnyPtr servable() override { return static_cast<Servable*>(model_.get()); }

 private:
  void MakeServable(const ServableId& id, const std::string& path) override {
    model_ = std::make_unique<OtherModel>(id.name, id.version);
  }

  std::unique_ptr<OtherModel> model_;
};

class TextAdapter final : public UnarySourceAdapter<StoragePath, std::unique_ptr<Loader>> {
 public:
  explicit TextAdapter(const std::string& greeting) : greeting_(greeting) {}
  ~TextAdapter() override { Detach(); }

 private:
  absl::Status Convert(const StoragePath& path, std::unique_ptr<Loader>* loader) override {
    *loader = std::make_unique<TextLoader>(greeting_, path);
    return absl::OkStatus();
  }

  const std::string greeting_;
};

class OtherAdapter final : public UnarySourceAdapter<StoragePath, std::unique_ptr<Loader>> {
 public:
  ~OtherAdapter() override { Detach(); }

 private:
  absl::Status Convert(const StoragePath& path, std::unique_ptr<Loader>* loader) override {
    *loader = std::make_unique<OtherLoader>(path);
    return absl::OkStatus();
  }
};

struct TextAdapterCreator {
  static absl::Status Create(const google::protobuf::StringValue& greeting,
                             std::unique_ptr<StoragePathSourceAdapter>* adapter) {
    if (greeting.value().empty()) return absl::InvalidArgumentError("A greeting is needed");
    *adapter = std::make_unique<TextAdapter>(greeting.value());
    return absl::OkStatus();
  }
};

struct OtherAdapterCreator {
  static absl::Status Create(const google::protobuf::BoolValue&,
                             std::unique_ptr<StoragePathSourceAdapter>* adapter) {
    *adapter = std::make_unique<OtherAdapter>();
    return absl::OkStatus();
  }
};

REGISTER_STORAGE_PATH_SOURCE_ADAPTER(TextAdapterCreator, google::protobuf::StringValue);
REGISTER_STORAGE_PATH_SOURCE_ADAPTER(OtherAdapterCreator, google::protobuf::BoolValue);

}  // namespace

PlatformConfigMap TwoPlatforms(const std::string& greeting) {
  PlatformConfigMap platforms;
  google::protobuf::StringValue text;
  text.set_value(greeting);
  auto& configs = *platforms.mutable_platform_configs();
  configs["text"].mutable_source_adapter_config()->PackFrom(text);
  configs["other"].mutable_source_adapter_config()->PackFrom(google::protobuf::BoolValue());
  return platforms;
}

FakeModelSource::FakeModelSource(std::shared_ptr<Script> script) : script_(std::move(script)) {
  absl::MutexLock lock(&script_->mu);
  script_->source = this;
}

FakeModelSource::~FakeModelSource() {
  absl::MutexLock lock(&script_->mu);
  script_->source = nullptr;
}

void FakeModelSource::SetAspiredVersionsCallback(AspiredVersionsCallback callback) {
  std::map<std::string, std::string> models;
  {
    absl::MutexLock lock(&mu_);
    callback_ = std::move(callback);
    models = base_paths_;
  }
  for (const auto& model : models) Poll(model.first);
}

absl::Status FakeModelSource::UpdateModels(const ModelConfigList& models) {
  {
    absl::MutexLock lock(&script_->mu);
    if (!script_->refusal.ok()) return script_->refusal;
  }
  std::map<std::string, std::string> present;
  for (const ModelConfig& model : models.config()) present[model.name()] = model.base_path();
  std::map<std::string, std::string> touched = present;
  {
    absl::MutexLock lock(&mu_);
    touched.insert(base_paths_.begin(), base_paths_.end());
    base_paths_ = std::move(present);
  }
  for (const auto& model : touched) Poll(model.first);
  return absl::OkStatus();
}

void FakeModelSource::Poll(const std::string& model) {
  std::vector<int64_t> versions;
  {
    absl::MutexLock lock(&script_->mu);
    versions = script_->versions[model];
  }
  std::vector<ServableData<StoragePath>> list;
  AspiredVersionsCallback callback;
  {
    absl::MutexLock lock(&mu_);
    const auto base_path = base_paths_.find(model);
    if (base_path == base_paths_.end()) versions.clear();
    for (const int64_t version : versions) {
      list.emplace_back(ServableId{model, version}, absl::StrCat(base_path->second, "/", version));
    }
    callback = callback_;
  }
  if (callback) callback(model, std::move(list));
}

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

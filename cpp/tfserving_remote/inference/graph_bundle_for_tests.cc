// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/inference/graph_bundle_for_tests.h"

#include <utility>

#include "absl/log/absl_check.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "tensorflow/core/framework/graph.pb.h"
#include "tensorflow/core/protobuf/meta_graph.pb.h"
#include "tensorflow/core/public/session.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;

constexpr char kGraph[] = R"pb(
  versions { producer: 1000 }
  node {
    name: "x"
    op: "Placeholder"
    attr {
      key: "dtype"
      value { type: DT_FLOAT }
    }
  }
  node {
    name: "b"
    op: "Placeholder"
    attr {
      key: "dtype"
      value { type: DT_FLOAT }
    }
  }
  node {
    name: "half"
    op: "Const"
    attr {
      key: "dtype"
      value { type: DT_FLOAT }
    }
    attr {
      key: "value"
      value {
        tensor {
          dtype: DT_FLOAT
          tensor_shape {}
          float_val: 0.5
        }
      }
    }
  }
  node {
    name: "two"
    op: "Const"
    attr {
      key: "dtype"
      value { type: DT_FLOAT }
    }
    attr {
      key: "value"
      value {
        tensor {
          dtype: DT_FLOAT
          tensor_shape {}
          float_val: 2
        }
      }
    }
  }
  node {
    name: "m"
    op: "Mul"
    input: "x"
    input: "half"
    attr {
      key: "T"
      value { type: DT_FLOAT }
    }
  }
  node {
    name: "y"
    op: "AddV2"
    input: "m"
    input: "two"
    attr {
      key: "T"
      value { type: DT_FLOAT }
    }
  }
  node {
    name: "z"
    op: "Mul"
    input: "x"
    input: "two"
    attr {
      key: "T"
      value { type: DT_FLOAT }
    }
  }
  node {
    name: "sum"
    op: "AddV2"
    input: "x"
    input: "b"
    attr {
      key: "T"
      value { type: DT_FLOAT }
    }
  }
  node {
    name: "queue"
    op: "FIFOQueueV2"
    attr {
      key: "component_types"
      value { list { type: DT_FLOAT } }
    }
  }
  node {
    name: "item"
    op: "QueueDequeueV2"
    input: "queue"
    input: "^x"
    attr {
      key: "component_types"
      value { list { type: DT_FLOAT } }
    }
  })pb";

constexpr char kSignature[] = R"pb(
  inputs {
    key: "x"
    value { name: "x:0" dtype: DT_FLOAT }
  }
  outputs {
    key: "y"
    value { name: "y:0" dtype: DT_FLOAT }
  }
  outputs {
    key: "z"
    value { name: "z:0" dtype: DT_FLOAT }
  }
  method_name: "tensorflow/serving/predict")pb";

constexpr char kWithDefault[] = R"pb(
  inputs {
    key: "x"
    value { name: "x:0" dtype: DT_FLOAT }
  }
  inputs {
    key: "b"
    value { name: "b:0" dtype: DT_FLOAT }
  }
  outputs {
    key: "sum"
    value { name: "sum:0" dtype: DT_FLOAT }
  }
  defaults {
    key: "b"
    value {
      dtype: DT_FLOAT
      tensor_shape {}
      float_val: 10
    }
  }
  method_name: "tensorflow/serving/predict")pb";

constexpr char kBlocked[] = R"pb(
  inputs {
    key: "x"
    value { name: "x:0" dtype: DT_FLOAT }
  }
  outputs {
    key: "item"
    value { name: "item:0" dtype: DT_FLOAT }
  }
  method_name: "tensorflow/serving/predict")pb";

// By way of the wire format: text leaves it to the first reader of a map to build it, which
// protobuf does safely, but out of the thread sanitizer's sight.
template <typename Proto>
Proto Parse(const char* text) {
  Proto from_text;
  ABSL_CHECK(google::protobuf::TextFormat::ParseFromString(text, &from_text));
  Proto proto;
  ABSL_CHECK(proto.ParseFromString(from_text.SerializeAsString()));
  return proto;
}

}  // namespace

std::shared_ptr<tensorflow::SavedModelBundle> MakeGraphBundle() {
  auto bundle = std::make_shared<tensorflow::SavedModelBundle>();
  bundle->session.reset(tensorflow::NewSession({}));
  ABSL_CHECK_OK(bundle->session->Create(Parse<tensorflow::GraphDef>(kGraph)));
  auto& signatures = *bundle->meta_graph_def.mutable_signature_def();
  signatures["serving_default"] = Parse<tensorflow::SignatureDef>(kSignature);
  signatures["odd_method"] = signatures["serving_default"];
  signatures["odd_method"].set_method_name("serve/odd");
  signatures["with_default"] = Parse<tensorflow::SignatureDef>(kWithDefault);
  signatures["blocked"] = Parse<tensorflow::SignatureDef>(kBlocked);
  return bundle;
}

class TestCore::Handle final : public tfs::UntypedServableHandle {
 public:
  Handle(tfs::ServableId id, Entry entry) : id_(std::move(id)), entry_(std::move(entry)) {}

  const tfs::ServableId& id() const override { return id_; }
  tfs::AnyPtr servable() override { return entry_.servable; }

 private:
  const tfs::ServableId id_;
  const Entry entry_;
};

void TestCore::Put(const tfs::ServableId& id, Entry entry) {
  absl::MutexLock lock(&mu_);
  servables_[id] = std::move(entry);
}

std::vector<tfs::ServableId> TestCore::ListAvailableServableIds() const {
  absl::MutexLock lock(&mu_);
  std::vector<tfs::ServableId> ids;
  for (const auto& entry : servables_) ids.push_back(entry.first);
  return ids;
}

absl::Status TestCore::GetUntypedServableHandle(
    const tfs::ServableRequest& request, std::unique_ptr<tfs::UntypedServableHandle>* handle) {
  absl::MutexLock lock(&mu_);
  // Ascending by version, so the last that fits is the newest.
  for (const auto& [id, entry] : servables_) {
    if (id.name != request.name) continue;
    if (request.version.has_value() && *request.version != id.version) continue;
    *handle = std::make_unique<Handle>(id, entry);
  }
  if (*handle != nullptr) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat("Servable not found for request: ", request.DebugString()));
}

std::map<tfs::ServableId, std::unique_ptr<tfs::UntypedServableHandle>>
TestCore::GetAvailableUntypedServableHandles() const {
  absl::MutexLock lock(&mu_);
  std::map<tfs::ServableId, std::unique_ptr<tfs::UntypedServableHandle>> handles;
  for (const auto& [id, entry] : servables_) {
    handles[id] = std::make_unique<Handle>(id, entry);
  }
  return handles;
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/util/class_registration_util.h"

#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "google/protobuf/descriptor.h"

namespace tensorflow {
namespace serving {
namespace internal {
namespace {

struct Factories {
  absl::Mutex mu;
  std::map<std::pair<std::type_index, std::string>, std::shared_ptr<const void>> by_type
      ABSL_GUARDED_BY(mu);
};

// Made by whichever static initialiser comes first, and never destroyed: others may still ask.
Factories& AllFactories() {
  static Factories* const factories = new Factories;
  return *factories;
}

}  // namespace

void RegisterFactory(std::type_index registry, const std::string& config_type,
                     std::shared_ptr<const void> factory) {
  Factories& factories = AllFactories();
  absl::MutexLock lock(&factories.mu);
  factories.by_type.emplace(std::make_pair(registry, config_type), std::move(factory));
}

std::shared_ptr<const void> FindFactory(std::type_index registry, const std::string& config_type) {
  Factories& factories = AllFactories();
  absl::MutexLock lock(&factories.mu);
  const auto found = factories.by_type.find({registry, config_type});
  return found == factories.by_type.end() ? nullptr : found->second;
}

absl::Status NoFactoryError(const google::protobuf::Message& config) {
  return absl::InvalidArgumentError(
      absl::StrCat("Couldn't find factory for config proto message type ", config.GetTypeName(),
                   "\nconfig=", config.DebugString()));
}

absl::Status UnpackAny(const google::protobuf::Any& any,
                       std::unique_ptr<google::protobuf::Message>* message) {
  std::string type;
  if (absl::Status status = ParseUrlForAnyType(any.type_url(), &type); !status.ok()) return status;
  const google::protobuf::Descriptor* const descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type);
  if (descriptor == nullptr) {
    return absl::InternalError(
        absl::StrCat("Unable to find compiled-in proto descriptor of type ", type));
  }
  message->reset(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
  if (!(*message)->ParseFromString(any.value())) {
    return absl::InvalidArgumentError(absl::StrCat("Malformed content of Any: ", any.type_url(),
                                                   " with ", any.value().size(), " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace internal

absl::Status ParseUrlForAnyType(const std::string& type_url, std::string* const full_type_name) {
  const size_t slash = type_url.rfind('/');
  if (slash == std::string::npos || slash + 1 == type_url.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("Supplied config's type_url could not be parsed: ", type_url));
  }
  *full_type_name = type_url.substr(slash + 1);
  return absl::OkStatus();
}

}  // namespace serving
}  // namespace tensorflow

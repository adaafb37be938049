// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_UTIL_CLASS_REGISTRATION_UTIL_H_
#define TENSORFLOW_SERVING_UTIL_CLASS_REGISTRATION_UTIL_H_

#include <memory>
#include <string>
#include <typeindex>

#include "absl/status/status.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/message.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// The part after the last '/' of `type_url`; kInvalidArgument without a '/' or with nothing after
// it.
absl::Status ParseUrlForAnyType(const std::string& type_url, std::string* const full_type_name);

namespace internal {

// What all registries have registered, kept here and not in templates: in one process there are
// never two of it, however many shared libraries use a registry. A factory is kept as a pointer to
// void; its type goes with the registry's.
//
// The first factory of a type stays.
void RegisterFactory(std::type_index registry, const std::string& config_type,
                     std::shared_ptr<const void> factory);
// Null if there is none.
std::shared_ptr<const void> FindFactory(std::type_index registry, const std::string& config_type);

absl::Status NoFactoryError(const google::protobuf::Message& config);

// Makes a message of the type that `any` names, which must be compiled in.
absl::Status UnpackAny(const google::protobuf::Any& any,
                       std::unique_ptr<google::protobuf::Message>* message);

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_CLASS_REGISTRATION_UTIL_H_

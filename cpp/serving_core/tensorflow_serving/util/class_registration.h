// SPDX-License-Identifier: Apache-2.0
// Classes that are made from a config proto, found by the proto's type: how a plugin becomes known
// to a server that never heard of it.
//
//   class Shape { ... };
//   DEFINE_CLASS_REGISTRY(ShapeRegistry, Shape);                     // next to Shape
//
//   struct CircleCreator {
//     static absl::Status Create(const CircleConfig& config, std::unique_ptr<Shape>* result);
//   };
//   REGISTER_CLASS(ShapeRegistry, Shape, CircleCreator, CircleConfig);   // in circle.cc
//
//   std::unique_ptr<Shape> shape;
//   absl::Status status = ShapeRegistry::CreateFromAny(any_config, &shape);
#ifndef TENSORFLOW_SERVING_UTIL_CLASS_REGISTRATION_H_
#define TENSORFLOW_SERVING_UTIL_CLASS_REGISTRATION_H_

#include <functional>
#include <memory>
#include <string>
#include <typeindex>
#include <typeinfo>
#include <utility>

#include "absl/status/status.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/message.h"
#include "tensorflow_serving/util/class_registration_util.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {
namespace internal {

// Base of every registry.
//
// Units:    none.
// Errors:   kInvalidArgument for a config of a type without factory, for a type_url that names no
//           type and for an Any that does not parse; kInternal for an Any of a message that is not
//           compiled in; otherwise the factory's own.
// Threads:  safe from any thread; factories are called outside any lock.
// Lifetime: what was registered stays for as long as the process runs.
template <typename RegistryName, typename BaseClass, typename... AdditionalFactoryArgs>
class ClassRegistry {
 public:
  // Makes an object of the class that is registered for the type of `config`.
  static absl::Status Create(const google::protobuf::Message& config, AdditionalFactoryArgs... args,
                             std::unique_ptr<BaseClass>* result) {
    const std::shared_ptr<const void> factory =
        FindFactory(typeid(RegistryName), std::string(config.GetTypeName()));
    if (factory == nullptr) return NoFactoryError(config);
    return (*static_cast<const Factory*>(factory.get()))(
        config, std::forward<AdditionalFactoryArgs>(args)..., result);
  }

  static absl::Status CreateFromAny(const google::protobuf::Any& any_config,
                                    AdditionalFactoryArgs... args,
                                    std::unique_ptr<BaseClass>* result) {
    std::unique_ptr<google::protobuf::Message> config;
    if (absl::Status status = UnpackAny(any_config, &config); !status.ok()) return status;
    return Create(*config, std::forward<AdditionalFactoryArgs>(args)..., result);
  }

  // For the macro below. The first class registered for a type stays.
  template <typename ClassCreator, typename ConfigProto>
  static bool Register() {
    RegisterFactory(typeid(RegistryName), std::string(ConfigProto::descriptor()->full_name()),
                    std::make_shared<const Factory>(&CreateWith<ClassCreator, ConfigProto>));
    return true;
  }

 private:
  using Factory = std::function<absl::Status(
      const google::protobuf::Message&, AdditionalFactoryArgs..., std::unique_ptr<BaseClass>*)>;

  template <typename ClassCreator, typename ConfigProto>
  static absl::Status CreateWith(const google::protobuf::Message& config,
                                 AdditionalFactoryArgs... args,
                                 std::unique_ptr<BaseClass>* result) {
    if (const auto* const typed_config = dynamic_cast<const ConfigProto*>(&config)) {
      return ClassCreator::Create(*typed_config, std::forward<AdditionalFactoryArgs>(args)...,
                                  result);
    }
    // The same message as another C++ class: one that was made at run time.
    ConfigProto copy;
    if (!copy.ParsePartialFromString(config.SerializePartialAsString())) {
      return absl::InvalidArgumentError("The config cannot be read as the type it says it is");
    }
    return ClassCreator::Create(copy, std::forward<AdditionalFactoryArgs>(args)..., result);
  }
};

// What REGISTER_CLASS says, once its commas are those of a template's arguments.
template <typename RegistryName, typename BaseClass, typename ClassCreator, typename ConfigProto,
          typename... AdditionalFactoryArgs>
struct ClassRegistration {
  static bool Register() { return RegistryName::template Register<ClassCreator, ConfigProto>(); }
};

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

// A comma inside a type that is given to one of these macros.
#define TFS_COMMA ,

// DEFINE_CLASS_REGISTRY(RegistryName, BaseClass, types of additional factory arguments...): the
// registry of the classes derived from BaseClass.
#define DEFINE_CLASS_REGISTRY(RegistryName, ...) \
  class RegistryName final                       \
      : public ::tensorflow::serving::internal::ClassRegistry<RegistryName, __VA_ARGS__> {};

// REGISTER_CLASS(RegistryName, BaseClass, ClassCreator, ConfigProto, additional types...), in a
// namespace: from now on RegistryName makes a BaseClass from a ConfigProto by
//   static absl::Status ClassCreator::Create(const ConfigProto&, additional...,
//                                            std::unique_ptr<BaseClass>* result);
#define REGISTER_CLASS(...) TFS_INTERNAL_REGISTER_CLASS(__COUNTER__, __VA_ARGS__)

#define TFS_INTERNAL_REGISTER_CLASS(counter, ...) \
  TFS_INTERNAL_REGISTER_CLASS_AS(counter, __VA_ARGS__)
#define TFS_INTERNAL_REGISTER_CLASS_AS(counter, ...)                  \
  [[maybe_unused]] static const bool tfs_registered_class_##counter = \
      ::tensorflow::serving::internal::ClassRegistration<__VA_ARGS__>::Register();

#endif  // TENSORFLOW_SERVING_UTIL_CLASS_REGISTRATION_H_

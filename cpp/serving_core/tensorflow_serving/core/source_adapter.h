// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_SOURCE_ADAPTER_H_
#define TENSORFLOW_SERVING_CORE_SOURCE_ADAPTER_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/log/log.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/source.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tensorflow_serving/core/target.h"
#include "tensorflow_serving/util/class_registration.h"

namespace tensorflow {
namespace serving {

// A target of one type and source of another: turns each list it is told into one it tells.
//
// Units:    as Source.
// Errors:   travel in the items.
// Threads:  Adapt calls are serialised. A list that comes in before the outgoing callback is set
//           waits for it, or for the adapter's end.
// Lifetime: as TargetBase: the leaf class calls Detach() first thing in its destructor. What Adapt
//           made may outlive the adapter.
template <typename InputType, typename OutputType>
class SourceAdapter : public TargetBase<InputType>, public Source<OutputType> {
 public:
  ~SourceAdapter() override = 0;

  void SetAspiredVersions(const absl::string_view servable_name,
                          std::vector<ServableData<InputType>> versions) final {
    if (!this->gate_.AwaitOpen()) return;
    outgoing_callback_(servable_name, Adapt(servable_name, std::move(versions)));
  }

  void SetAspiredVersionsCallback(
      typename Source<OutputType>::AspiredVersionsCallback callback) final {
    outgoing_callback_ = std::move(callback);
    this->gate_.Open();
  }

  // Same ids, in the same order.
  virtual std::vector<ServableData<OutputType>> Adapt(
      const absl::string_view servable_name, std::vector<ServableData<InputType>> versions) = 0;

  // Adapt for a list of one.
  ServableData<OutputType> AdaptOneVersion(ServableData<InputType> input) {
    const ServableId id = input.id();
    std::vector<ServableData<InputType>> versions;
    versions.push_back(std::move(input));
    std::vector<ServableData<OutputType>> adapted = Adapt(id.name, std::move(versions));
    if (adapted.size() != 1 || adapted.front().id() != id) {
      return ServableData<OutputType>(
          id, absl::InternalError("Adapt did not give back the one version"));
    }
    return std::move(adapted.front());
  }

 protected:
  SourceAdapter() = default;

 private:
  // Set once, before the gate opens; read only behind it.
  typename Source<OutputType>::AspiredVersionsCallback outgoing_callback_;
};

template <typename InputType, typename OutputType>
SourceAdapter<InputType, OutputType>::~SourceAdapter() = default;

using StoragePathSourceAdapter = SourceAdapter<StoragePath, std::unique_ptr<Loader>>;

// The adapters that a server can make from a platform's config.
DEFINE_CLASS_REGISTRY(StoragePathSourceAdapterRegistry, StoragePathSourceAdapter);

// ClassCreator::Create(const ConfigProto&, std::unique_ptr<StoragePathSourceAdapter>*).
#define REGISTER_STORAGE_PATH_SOURCE_ADAPTER(ClassCreator, ConfigProto)   \
  REGISTER_CLASS(::tensorflow::serving::StoragePathSourceAdapterRegistry, \
                 ::tensorflow::serving::StoragePathSourceAdapter, ClassCreator, ConfigProto)

// An adapter that turns one item at a time, whatever the others are. Incoming errors pass through.
template <typename InputType, typename OutputType>
class UnarySourceAdapter : public SourceAdapter<InputType, OutputType> {
 public:
  ~UnarySourceAdapter() override = 0;

 protected:
  UnarySourceAdapter() = default;

 private:
  std::vector<ServableData<OutputType>> Adapt(const absl::string_view servable_name,
                                              std::vector<ServableData<InputType>> versions) final {
    std::vector<ServableData<OutputType>> adapted;
    adapted.reserve(versions.size());
    for (ServableData<InputType>& version : versions) {
      adapted.push_back(AdaptItem(std::move(version)));
    }
    return adapted;
  }

  ServableData<OutputType> AdaptItem(ServableData<InputType> input) {
    if (!input.status().ok()) return ServableData<OutputType>(input.id(), input.status());
    OutputType output{};
    const absl::Status status = Convert(input.DataOrDie(), &output);
    if (!status.ok()) {
      LOG(ERROR) << "Cannot convert servable " << input.id() << ": " << status;
      return ServableData<OutputType>(input.id(), status);
    }
    return ServableData<OutputType>(input.id(), std::move(output));
  }

  // An error takes the item's place.
  virtual absl::Status Convert(const InputType& data, OutputType* converted_data) = 0;
};

template <typename InputType, typename OutputType>
UnarySourceAdapter<InputType, OutputType>::~UnarySourceAdapter() = default;

// Turns every item that is not an error into one and the same error: what a model that nobody can
// serve is connected to.
template <typename InputType, typename OutputType>
class ErrorInjectingSourceAdapter final : public SourceAdapter<InputType, OutputType> {
 public:
  explicit ErrorInjectingSourceAdapter(const absl::Status& error) : error_(error) {}
  ~ErrorInjectingSourceAdapter() override { TargetBase<InputType>::Detach(); }

 private:
  std::vector<ServableData<OutputType>> Adapt(
      const absl::string_view servable_name,
      std::vector<ServableData<InputType>> versions) override {
    std::vector<ServableData<OutputType>> adapted;
    adapted.reserve(versions.size());
    for (const ServableData<InputType>& version : versions) {
      adapted.emplace_back(version.id(), version.status().ok() ? error_ : version.status());
    }
    return adapted;
  }

  const absl::Status error_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_SOURCE_ADAPTER_H_

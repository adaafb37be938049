// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_SIMPLE_LOADER_H_
#define TENSORFLOW_SERVING_CORE_SIMPLE_LOADER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/util/any_ptr.h"

namespace tensorflow {

struct SavedModelBundle;

namespace serving {

class Servable;

namespace internal {

// Host memory in `allocation`, in bytes.
uint64_t RamBytes(const ResourceAllocation& allocation);
// Asks malloc to give so much of what is free back to the system.
void ReleaseRam(uint64_t bytes);

}  // namespace internal

// A loader around a function that makes the servable and one that says what it needs.
//
// Units:    as resources.proto.
// Errors:   those of the functions. Load() where the creator wants metadata: kFailedPrecondition.
// Threads:  EstimateResources may be called from any thread at any time, the rest by one thread at
//           a time; managers see to it. No lock is held while one of the functions runs.
// Lifetime: the functions may outlive whoever made the loader.
template <typename ServableType>
class SimpleLoader : public Loader {
 public:
  using Creator = std::function<absl::Status(std::unique_ptr<ServableType>*)>;
  using CreatorWithMetadata =
      std::function<absl::Status(const Metadata&, std::unique_ptr<ServableType>*)>;
  using CreatorVariant = absl::variant<Creator, CreatorWithMetadata>;
  using ResourceEstimator = std::function<absl::Status(ResourceAllocation*)>;
  static ResourceEstimator EstimateNoResources() {
    return [](ResourceAllocation* estimate) {
      estimate->Clear();
      return absl::OkStatus();
    };
  }

  // The estimate is asked for once and kept; with a post-load estimator once more after the load.
  SimpleLoader(Creator creator, ResourceEstimator resource_estimator)
      : SimpleLoader(CreatorVariant(std::move(creator)), std::move(resource_estimator),
                     absl::nullopt) {}
  SimpleLoader(CreatorWithMetadata creator, ResourceEstimator resource_estimator)
      : SimpleLoader(CreatorVariant(std::move(creator)), std::move(resource_estimator),
                     absl::nullopt) {}
  SimpleLoader(Creator creator, ResourceEstimator resource_estimator,
               ResourceEstimator post_load_resource_estimator)
      : SimpleLoader(CreatorVariant(std::move(creator)), std::move(resource_estimator),
                     absl::make_optional(std::move(post_load_resource_estimator))) {}
  SimpleLoader(CreatorWithMetadata creator, ResourceEstimator resource_estimator,
               ResourceEstimator post_load_resource_estimator)
      : SimpleLoader(CreatorVariant(std::move(creator)), std::move(resource_estimator),
                     absl::make_optional(std::move(post_load_resource_estimator))) {}
  SimpleLoader(CreatorVariant creator, ResourceEstimator resource_estimator,
               absl::optional<ResourceEstimator> post_load_resource_estimator)
      : creator_(std::move(creator)),
        resource_estimator_(std::move(resource_estimator)),
        post_load_resource_estimator_(std::move(post_load_resource_estimator)) {}
  ~SimpleLoader() override = default;

  absl::Status EstimateResources(ResourceAllocation* estimate) const override {
    if (CopyEstimate(estimate)) return absl::OkStatus();
    ResourceAllocation fresh;
    const absl::Status status = resource_estimator_(&fresh);
    if (!status.ok()) return status;
    absl::MutexLock lock(&estimate_mu_);
    if (!estimate_) estimate_ = std::move(fresh);
    *estimate = *estimate_;
    return absl::OkStatus();
  }

  absl::Status Load() override {
    const Creator* const creator = absl::get_if<Creator>(&creator_);
    if (creator == nullptr) {
      return absl::FailedPreconditionError("This loader can only load with metadata");
    }
    return FinishLoad((*creator)(&servable_));
  }

  absl::Status LoadWithMetadata(const Metadata& metadata) override {
    const auto* const creator = absl::get_if<CreatorWithMetadata>(&creator_);
    return creator == nullptr ? Load() : FinishLoad((*creator)(metadata, &servable_));
  }

  void Unload() override {
    ResourceAllocation estimate;
    // If nobody has asked for it so far, an unload is not to wait for a store that may be slow.
    const bool estimated = CopyEstimate(&estimate);
    servable_.reset();
    const uint64_t ram = estimated ? internal::RamBytes(estimate) : 0;
    if (ram > 0) internal::ReleaseRam(ram);
  }

  AnyPtr servable() override { return AnyPtr(servable_.get()); }

  ServableModelType model_type() const override {
    if constexpr (std::is_same<ServableType, SavedModelBundle>::value) {
      return ServableModelType::kTensorflow;
    } else if constexpr (std::is_base_of<Servable, ServableType>::value) {
      if (servable_ != nullptr) return servable_->model_type();
    }
    return ServableModelType::kUnspecified;
  }

 private:
  bool CopyEstimate(ResourceAllocation* estimate) const {
    absl::MutexLock lock(&estimate_mu_);
    if (estimate_) *estimate = *estimate_;
    return estimate_.has_value();
  }

  absl::Status FinishLoad(absl::Status status) {
    if (!status.ok()) {
      servable_.reset();
      return status;
    }
    return post_load_resource_estimator_ ? EstimateAgain() : absl::OkStatus();
  }

  // The load may have needed more than what it left behind.
  absl::Status EstimateAgain() {
    ResourceAllocation during;
    absl::Status status = EstimateResources(&during);
    ResourceAllocation after;
    if (status.ok()) status = (*post_load_resource_estimator_)(&after);
    if (!status.ok()) {
      servable_.reset();
      return status;
    }
    const uint64_t ram_during = internal::RamBytes(during);
    const uint64_t ram_after = internal::RamBytes(after);
    if (ram_after < ram_during) internal::ReleaseRam(ram_during - ram_after);
    absl::MutexLock lock(&estimate_mu_);
    estimate_ = std::move(after);
    return absl::OkStatus();
  }

  const CreatorVariant creator_;
  const ResourceEstimator resource_estimator_;
  const absl::optional<ResourceEstimator> post_load_resource_estimator_;
  mutable absl::Mutex estimate_mu_;
  mutable absl::optional<ResourceAllocation> estimate_ ABSL_GUARDED_BY(estimate_mu_);
  std::unique_ptr<ServableType> servable_;
};

// An adapter that emits SimpleLoaders; its creator is told the incoming data.
template <typename DataType, typename ServableType>
class SimpleLoaderSourceAdapter : public UnarySourceAdapter<DataType, std::unique_ptr<Loader>> {
 public:
  ~SimpleLoaderSourceAdapter() override = 0;

  using Creator = std::function<absl::Status(const DataType&, std::unique_ptr<ServableType>*)>;
  using ResourceEstimator = std::function<absl::Status(const DataType&, ResourceAllocation*)>;
  static ResourceEstimator EstimateNoResources() {
    return [](const DataType&, ResourceAllocation* estimate) {
      estimate->Clear();
      return absl::OkStatus();
    };
  }

 protected:
  SimpleLoaderSourceAdapter(Creator creator, ResourceEstimator resource_estimator)
      : creator_(std::move(creator)), resource_estimator_(std::move(resource_estimator)) {}

 private:
  absl::Status Convert(const DataType& data, std::unique_ptr<Loader>* loader) final {
    using SimpleLoaderType = SimpleLoader<ServableType>;
    // Copies, because the loader may outlive the adapter.
    *loader = std::make_unique<SimpleLoaderType>(
        typename SimpleLoaderType::Creator(
            [creator = creator_, data](std::unique_ptr<ServableType>* servable) {
              return creator(data, servable);
            }),
        [estimator = resource_estimator_, data](ResourceAllocation* estimate) {
          return estimator(data, estimate);
        });
    return absl::OkStatus();
  }

  const Creator creator_;
  const ResourceEstimator resource_estimator_;
};

template <typename DataType, typename ServableType>
SimpleLoaderSourceAdapter<DataType, ServableType>::~SimpleLoaderSourceAdapter() = default;

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_SIMPLE_LOADER_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_TEST_UTIL_SERVABLE_HANDLE_TEST_UTIL_H_
#define TENSORFLOW_SERVING_CORE_TEST_UTIL_SERVABLE_HANDLE_TEST_UTIL_H_

#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_handle.h"

namespace tensorflow {
namespace serving {
namespace test_util {
namespace internal {

// Has one servable, which it does not own.
template <typename T>
class SingleServableManager final : public Manager {
 public:
  SingleServableManager(const ServableId& id, T* servable) : id_(id), servable_(servable) {}

  std::vector<ServableId> ListAvailableServableIds() const override { return {id_}; }

 private:
  class Handle final : public UntypedServableHandle {
   public:
    Handle(const ServableId& id, T* servable) : id_(id), servable_(servable) {}
    const ServableId& id() const override { return id_; }
    AnyPtr servable() override { return servable_; }

   private:
    const ServableId id_;
    T* const servable_;
  };

  absl::Status GetUntypedServableHandle(
      const ServableRequest& request,
      std::unique_ptr<UntypedServableHandle>* untyped_handle) override {
    *untyped_handle = std::make_unique<Handle>(id_, servable_);
    return absl::OkStatus();
  }
  std::map<ServableId, std::unique_ptr<UntypedServableHandle>> GetAvailableUntypedServableHandles()
      const override {
    return {};
  }

  const ServableId id_;
  T* const servable_;
};

}  // namespace internal

// A handle to an object that outlives it.
template <typename T>
ServableHandle<T> WrapAsHandle(const ServableId& id, T* servable) {
  internal::SingleServableManager<T> manager(id, servable);
  ServableHandle<T> handle;
  const absl::Status status = manager.GetServableHandle(ServableRequest::FromId(id), &handle);
  return status.ok() ? std::move(handle) : ServableHandle<T>();
}

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_TEST_UTIL_SERVABLE_HANDLE_TEST_UTIL_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_SERVABLE_HANDLE_H_
#define TENSORFLOW_SERVING_CORE_SERVABLE_HANDLE_H_

#include <memory>
#include <utility>

#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/util/any_ptr.h"

namespace tensorflow {
namespace serving {

// Keeps one servable, of whatever type, from being unloaded.
//
// Units:    none.
// Errors:   none.
// Threads:  as a plain value.
// Lifetime: the servable stays loaded for as long as the handle lives; nothing else waits for it.
class UntypedServableHandle {
 public:
  virtual ~UntypedServableHandle() = default;

  virtual const ServableId& id() const = 0;
  virtual AnyPtr servable() = 0;
};

// A smart pointer to a servable of type T.
//
// Units:    none.
// Errors:   null if default-constructed or moved from; then only get(), bool and == may be used.
// Threads:  as std::unique_ptr; the servable itself is shared by all who have a handle.
// Lifetime: as UntypedServableHandle. Hold it for one request, not longer: an unload waits for it.
template <typename T>
class ServableHandle {
 public:
  ServableHandle() = default;
  ServableHandle(ServableHandle&& other) noexcept
      : untyped_handle_(std::move(other.untyped_handle_)),
        servable_(std::exchange(other.servable_, nullptr)) {}
  ServableHandle& operator=(ServableHandle&& other) noexcept {
    untyped_handle_ = std::move(other.untyped_handle_);
    servable_ = std::exchange(other.servable_, nullptr);
    return *this;
  }

  const ServableId& id() const { return untyped_handle_->id(); }

  T& operator*() const { return *servable_; }
  T* operator->() const { return servable_; }
  T* get() const { return servable_; }
  operator bool() const { return servable_ != nullptr; }  // NOLINT: as a smart pointer

  // The same servable under the same id, or both null.
  friend bool operator==(const ServableHandle& a, const ServableHandle& b) {
    return a.servable_ == b.servable_ && (a.servable_ == nullptr || a.id() == b.id());
  }
  friend bool operator!=(const ServableHandle& a, const ServableHandle& b) { return !(a == b); }

 private:
  friend class Manager;

  explicit ServableHandle(std::unique_ptr<UntypedServableHandle> untyped_handle)
      : untyped_handle_(std::move(untyped_handle)) {
    if (untyped_handle_ != nullptr) servable_ = untyped_handle_->servable().template get<T>();
  }

  std::unique_ptr<UntypedServableHandle> untyped_handle_;
  T* servable_ = nullptr;
};

// A handle that shares the ownership of a loaded loader.
class SharedPtrHandle final : public UntypedServableHandle {
 public:
  explicit SharedPtrHandle(const ServableId& id, std::shared_ptr<Loader> loader)
      : id_(id), loader_(std::move(loader)) {}
  ~SharedPtrHandle() override = default;

  const ServableId& id() const override { return id_; }
  AnyPtr servable() override { return loader_->servable(); }

 private:
  const ServableId id_;
  const std::shared_ptr<Loader> loader_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_SERVABLE_HANDLE_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_UTIL_ANY_PTR_H_
#define TENSORFLOW_SERVING_UTIL_ANY_PTR_H_

#include <cstddef>
#include <memory>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace tensorflow {
namespace serving {

// A pointer to an object of any type that remembers the exact static type it was made from.
//
// Units:    none.
// Errors:   get<T>() is null unless T is that very type, const included; bases and derived classes
//           do not match.
// Threads:  as a raw pointer.
// Lifetime: does not own what it points to.
class AnyPtr {
 public:
  AnyPtr() = default;
  AnyPtr(std::nullptr_t) {}  // NOLINT: implicit, as from a raw pointer
  template <typename T>
  AnyPtr(T* ptr)  // NOLINT: implicit, so that a loader can `return &servable_;`
      : type_(&typeid(T*)), ptr_(const_cast<void*>(static_cast<const void*>(ptr))) {}

  template <typename T>
  T* get() const {
    // typeid of the pointer, not of the object: typeid(const X) would be typeid(X).
    return type_ != nullptr && *type_ == typeid(T*) ? static_cast<T*>(ptr_) : nullptr;
  }

 private:
  const std::type_info* type_ = nullptr;
  void* ptr_ = nullptr;
};

// The owning, move-only counterpart.
//
// Units:    none.
// Errors:   as AnyPtr.
// Threads:  as std::unique_ptr.
// Lifetime: deletes the object as the type it was given as.
class UniqueAnyPtr {
 public:
  UniqueAnyPtr() = default;
  UniqueAnyPtr(std::nullptr_t) {}  // NOLINT: implicit, as for std::unique_ptr
  template <typename T>
  explicit UniqueAnyPtr(std::unique_ptr<T> ptr)
      : ptr_(ptr.get()),
        owner_(ptr.release(), [](const void* p) { delete static_cast<const T*>(p); }) {}
  UniqueAnyPtr(UniqueAnyPtr&& other) noexcept { swap(other); }
  UniqueAnyPtr& operator=(UniqueAnyPtr&& other) noexcept {
    UniqueAnyPtr(std::move(other)).swap(*this);
    return *this;
  }

  template <typename T>
  T* get() const {
    return ptr_.get<T>();
  }
  const AnyPtr& as_any_ptr() const { return ptr_; }

  void swap(UniqueAnyPtr& other) noexcept {
    std::swap(ptr_, other.ptr_);
    owner_.swap(other.owner_);
  }

 private:
  using Deleter = void (*)(const void*);

  AnyPtr ptr_;
  std::unique_ptr<const void, Deleter> owner_{nullptr, [](const void*) {}};
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_ANY_PTR_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_UTIL_UNIQUE_PTR_WITH_DEPS_H_
#define TENSORFLOW_SERVING_UTIL_UNIQUE_PTR_WITH_DEPS_H_

#include <memory>
#include <utility>
#include <vector>

#include "tensorflow_serving/util/any_ptr.h"

namespace tensorflow {
namespace serving {

// Owns an object together with the objects it depends on.
//
// Units:    none.
// Errors:   get() is null until an object is set; then only get() may be used.
// Threads:  as std::unique_ptr.
// Lifetime: what was added or set last dies first.
template <typename T>
class UniquePtrWithDeps {
 public:
  UniquePtrWithDeps() = default;
  explicit UniquePtrWithDeps(std::unique_ptr<T> object) { SetOwned(std::move(object)); }
  // Takes ownership.
  explicit UniquePtrWithDeps(T* object) { SetOwnedPtr(object); }
  ~UniquePtrWithDeps() { DestroyAll(); }

  UniquePtrWithDeps(UniquePtrWithDeps&& other) noexcept
      : owned_(std::exchange(other.owned_, {})), object_(std::exchange(other.object_, nullptr)) {}
  UniquePtrWithDeps& operator=(UniquePtrWithDeps&& other) noexcept {
    if (this == &other) return *this;
    DestroyAll();
    owned_ = std::exchange(other.owned_, {});
    object_ = std::exchange(other.object_, nullptr);
    return *this;
  }

  // Returns what it now owns.
  template <typename X>
  X* AddDependency(std::unique_ptr<X> dependency) {
    X* const added = dependency.get();
    owned_.emplace_back(std::move(dependency));
    return added;
  }

  // An object that was set before lives on as a dependency.
  void SetOwned(std::unique_ptr<T> object) { object_ = AddDependency(std::move(object)); }
  // Takes ownership.
  void SetOwnedPtr(T* object) { SetOwned(std::unique_ptr<T>(object)); }

  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }

 private:
  void DestroyAll() {
    object_ = nullptr;
    while (!owned_.empty()) owned_.pop_back();
  }

  std::vector<UniqueAnyPtr> owned_;
  T* object_ = nullptr;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_UNIQUE_PTR_WITH_DEPS_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_STATIC_MANAGER_H_
#define TENSORFLOW_SERVING_CORE_STATIC_MANAGER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/util/any_ptr.h"

namespace tensorflow {
namespace serving {

// Builds a manager whose servables never change.
//
// Units:    none.
// Errors:   kInvalidArgument for a null servable and for a negative version; kAlreadyExists for an
//           id that was added before; kFailedPrecondition once the manager is built.
// Threads:  the builder is not safe; the manager is, and its lookups share no lock.
// Lifetime: servables live as long as the manager and every handle to them.
class StaticManagerBuilder {
 public:
  // Sorted for the manager's lookups: by name, then by version.
  using Servables = std::map<std::string, std::map<int64_t, std::shared_ptr<UniqueAnyPtr>>>;

  StaticManagerBuilder() = default;

  template <typename T>
  absl::Status AddServable(const ServableId& id, std::unique_ptr<T> servable) {
    if (servable == nullptr) return NullServableError(id);
    return Add(id, std::make_shared<UniqueAnyPtr>(std::move(servable)));
  }

  // Null from the second call on.
  std::unique_ptr<Manager> Build();

 private:
  static absl::Status NullServableError(const ServableId& id);
  absl::Status Add(const ServableId& id, std::shared_ptr<UniqueAnyPtr> servable);

  Servables servables_;
  bool built_ = false;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_STATIC_MANAGER_H_

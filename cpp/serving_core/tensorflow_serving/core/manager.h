// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_MANAGER_H_
#define TENSORFLOW_SERVING_CORE_MANAGER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "tensorflow_serving/core/servable_handle.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// Asks for one version of a servable, or for the earliest or latest there is.
struct ServableRequest {
  static ServableRequest Specific(const std::string& name, const int64_t version);
  static ServableRequest Earliest(const std::string& name);
  static ServableRequest Latest(const std::string& name);
  static ServableRequest FromId(const ServableId& id);

  ServableRequest() = default;
  ServableRequest(const std::string& name_in, const absl::optional<int64_t>& version_in)
      : name(name_in), version(version_in) {}

  std::string name;
  // Set: this version and no other.
  absl::optional<int64_t> version;
  // Which one if `version` is not set.
  enum class AutoVersionPolicy { kEarliest, kLatest };
  AutoVersionPolicy auto_version_policy = AutoVersionPolicy::kLatest;

  // `Specific(N, V)`, `Earliest(N)` or `Latest(N)`.
  std::string DebugString() const;
};

// Loads and unloads servables and hands out those that are ready.
//
// Units:    none.
// Errors:   kNotFound "Servable not found for request: ..." if no ready version fits;
//           kInvalidArgument if it is not a T.
// Threads:  safe from any thread. Lookups never wait for a load or an unload.
// Lifetime: outlives every handle it gave out: its destructor waits for them.
class Manager {
 public:
  virtual ~Manager() = default;

  // The ids that a lookup would find now.
  virtual std::vector<ServableId> ListAvailableServableIds() const = 0;

  // Handles to every ready servable that is a T.
  template <typename T>
  std::map<ServableId, ServableHandle<T>> GetAvailableServableHandles() const;

  // Points `handle` to the servable asked for; leaves it alone if there is none.
  template <typename T>
  absl::Status GetServableHandle(const ServableRequest& request, ServableHandle<T>* const handle);

 private:
  friend class ManagerWrapper;

  virtual absl::Status GetUntypedServableHandle(
      const ServableRequest& request, std::unique_ptr<UntypedServableHandle>* untyped_handle) = 0;
  virtual std::map<ServableId, std::unique_ptr<UntypedServableHandle>>
  GetAvailableUntypedServableHandles() const = 0;
};

template <typename T>
std::map<ServableId, ServableHandle<T>> Manager::GetAvailableServableHandles() const {
  std::map<ServableId, ServableHandle<T>> handles;
  auto untyped_handles = GetAvailableUntypedServableHandles();
  for (auto& [id, untyped_handle] : untyped_handles) {
    ServableHandle<T> handle(std::move(untyped_handle));
    if (handle) handles.emplace(id, std::move(handle));
  }
  return handles;
}

template <typename T>
absl::Status Manager::GetServableHandle(const ServableRequest& request,
                                        ServableHandle<T>* const handle) {
  std::unique_ptr<UntypedServableHandle> untyped_handle;
  absl::Status status = GetUntypedServableHandle(request, &untyped_handle);
  if (!status.ok()) return status;
  ServableHandle<T> typed_handle(std::move(untyped_handle));
  if (!typed_handle) {
    return absl::InvalidArgumentError("Servable type doesn't match the asked for type.");
  }
  *handle = std::move(typed_handle);
  return absl::OkStatus();
}

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_MANAGER_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_DYNAMIC_SOURCE_ROUTER_H_
#define TENSORFLOW_SERVING_CORE_DYNAMIC_SOURCE_ROUTER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/source_router.h"
#include "tensorflow_serving/core/target.h"

namespace tensorflow {
namespace serving {
namespace internal {

// From servable names to port numbers.
using PortsByServable = std::map<std::string, int>;

// kInvalidArgument unless every route leads to a port other than the last one.
absl::Status ValidateRoutes(int num_output_ports, const PortsByServable& routes);

}  // namespace internal

// Routes by servable name, along routes that may change while it works. The last port is kept for
// the names that have no route.
//
// Units:    ports count from 0.
// Errors:   kInvalidArgument for routes to ports that do not exist and to the last one; the routes
//           before then stay.
// Threads:  safe from any thread. A list follows the routes that stand when its turn comes.
// Lifetime: as SourceRouter.
template <typename T>
class DynamicSourceRouter final : public SourceRouter<T> {
 public:
  using Routes = internal::PortsByServable;

  static absl::Status Create(int num_output_ports, const Routes& routes,
                             std::unique_ptr<DynamicSourceRouter<T>>* result) {
    absl::Status status = internal::ValidateRoutes(num_output_ports, routes);
    if (!status.ok()) return status;
    result->reset(new DynamicSourceRouter<T>(num_output_ports, routes));
    return absl::OkStatus();
  }
  ~DynamicSourceRouter() override { TargetBase<T>::Detach(); }

  Routes GetRoutes() const {
    absl::MutexLock lock(&mu_);
    return routes_;
  }

  // Replaces all routes at once.
  absl::Status UpdateRoutes(const Routes& routes) {
    absl::Status status = internal::ValidateRoutes(num_output_ports_, routes);
    if (!status.ok()) return status;
    absl::MutexLock lock(&mu_);
    routes_ = routes;
    return absl::OkStatus();
  }

 protected:
  int num_output_ports() const override { return num_output_ports_; }

  int Route(const absl::string_view servable_name,
            const std::vector<ServableData<T>>& versions) override {
    absl::MutexLock lock(&mu_);
    const auto route = routes_.find(std::string(servable_name));
    return route == routes_.end() ? num_output_ports_ - 1 : route->second;
  }

 private:
  DynamicSourceRouter(int num_output_ports, const Routes& routes)
      : num_output_ports_(num_output_ports), routes_(routes) {}

  const int num_output_ports_;

  mutable absl::Mutex mu_;
  Routes routes_ ABSL_GUARDED_BY(mu_);
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_DYNAMIC_SOURCE_ROUTER_H_

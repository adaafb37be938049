// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_STATIC_SOURCE_ROUTER_H_
#define TENSORFLOW_SERVING_CORE_STATIC_SOURCE_ROUTER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/source_router.h"
#include "tensorflow_serving/core/target.h"

namespace tensorflow {
namespace serving {

// Routes by what a servable's name contains: to the port of the first of some substrings that it
// contains, or else to one last port.
//
// Units:    none.
// Errors:   Create has none so far.
// Threads:  as SourceRouter.
// Lifetime: as SourceRouter.
template <typename T>
class StaticSourceRouter final : public SourceRouter<T> {
 public:
  static absl::Status Create(const std::vector<std::string>& route_substrings,
                             std::unique_ptr<StaticSourceRouter<T>>* result) {
    result->reset(new StaticSourceRouter<T>(route_substrings));
    return absl::OkStatus();
  }
  ~StaticSourceRouter() override { TargetBase<T>::Detach(); }

 protected:
  int num_output_ports() const override { return static_cast<int>(route_substrings_.size()) + 1; }

  int Route(const absl::string_view servable_name,
            const std::vector<ServableData<T>>& versions) override {
    int port = 0;
    for (const std::string& substring : route_substrings_) {
      if (absl::StrContains(servable_name, substring)) return port;
      ++port;
    }
    return port;
  }

 private:
  explicit StaticSourceRouter(const std::vector<std::string>& route_substrings)
      : route_substrings_(route_substrings) {}

  const std::vector<std::string> route_substrings_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_STATIC_SOURCE_ROUTER_H_

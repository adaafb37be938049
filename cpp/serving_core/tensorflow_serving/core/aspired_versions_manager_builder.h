// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_ASPIRED_VERSIONS_MANAGER_BUILDER_H_
#define TENSORFLOW_SERVING_CORE_ASPIRED_VERSIONS_MANAGER_BUILDER_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "tensorflow_serving/core/aspired_versions_manager.h"
#include "tensorflow_serving/core/manager.h"
#include "tensorflow_serving/core/target.h"
#include "tensorflow_serving/util/unique_ptr_with_deps.h"

namespace tensorflow {
namespace serving {

// Builds an AspiredVersionsManager that owns the sources and adapters it is fed by.
//
// Units:    none.
// Errors:   those of AspiredVersionsManager::Create.
// Threads:  not safe; the manager is.
// Lifetime: the manager owns all that was added. What was added last dies first, within a chain the
//           source before its adapters, and the manager last.
class AspiredVersionsManagerBuilder {
 public:
  using Options = AspiredVersionsManager::Options;

  static absl::Status Create(Options options,
                             std::unique_ptr<AspiredVersionsManagerBuilder>* builder);

  // Connects a Source<std::unique_ptr<Loader>> to the manager.
  template <typename S>
  void AddSource(std::unique_ptr<S> source) {
    ConnectSourceToTarget(source.get(), manager_);
    manager_with_sources_.AddDependency(std::move(source));
  }

  // Connects a source to the first of some adapters, each adapter to the next, and the last one to
  // the manager. The manager's end comes first: a source may call back as soon as it is connected.
  template <typename S, typename SA, typename... Args>
  void AddSourceChain(std::unique_ptr<S> source, std::unique_ptr<SA> first_source_adapter,
                      std::unique_ptr<Args>... remaining_source_adapters) {
    SA* const target = first_source_adapter.get();
    if constexpr (sizeof...(remaining_source_adapters) == 0) {
      AddSource(std::move(first_source_adapter));
    } else {
      AddSourceChain(std::move(first_source_adapter), std::move(remaining_source_adapters)...);
    }
    ConnectSourceToTarget(source.get(), target);
    manager_with_sources_.AddDependency(std::move(source));
  }

  // To be called once, last.
  std::unique_ptr<Manager> Build();

 private:
  explicit AspiredVersionsManagerBuilder(std::unique_ptr<AspiredVersionsManager> manager);

  AspiredVersionsManager* const manager_;
  UniquePtrWithDeps<Manager> manager_with_sources_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_ASPIRED_VERSIONS_MANAGER_BUILDER_H_

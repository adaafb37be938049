// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_POLICY_VERSION_POLICY_ADAPTER_H_
#define TFSERVING_REMOTE_POLICY_VERSION_POLICY_ADAPTER_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/policy/select_versions.h"

namespace tfserving_remote {

/// Lets through, of all versions that the source found, those that each servable's policy wants to
/// have served. A list that comes again goes out again: failed versions are retried that way.
///
/// Units:    none.
/// Errors:   items that are errors are chosen like the others; versions that a policy names but
///           nobody found are told to the log, once.
/// Threads:  safe to call from any thread; SetPolicies calls the target and may block as long.
/// Lifetime: `log` outlives the adapter.
class VersionPolicyAdapter final
    : public tensorflow::serving::SourceAdapter<tensorflow::serving::StoragePath,
                                                tensorflow::serving::StoragePath> {
 public:
  /// By servable name; a servable that is not named has its latest version served.
  using Policies = std::map<std::string, VersionPolicy>;

  VersionPolicyAdapter(Policies policies, LogSink& log);
  ~VersionPolicyAdapter() override;

  /// Replaces all policies. Servables whose policy changed have their last list sent out again,
  /// as the new policy chooses, before this returns; except those of `moved`, of which other lists
  /// are to come: what serves stays until then.
  void SetPolicies(Policies policies, const std::set<std::string>& moved = {});

 private:
  using Data = tensorflow::serving::ServableData<tensorflow::serving::StoragePath>;

  std::vector<Data> Adapt(const absl::string_view servable_name,
                          std::vector<Data> versions) override;

  VersionPolicy PolicyOf(const std::string& servable_name) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  /// Keeps a list for SetPolicies and returns what is to be chosen from.
  std::vector<Data> Remember(const std::string& servable_name, std::vector<Data> versions)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  /// The missing versions that have not been told of yet.
  std::set<int64_t> News(const std::string& servable_name, const std::set<int64_t>& missing)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  LogSink& log_;

  absl::Mutex mu_;
  Policies policies_ ABSL_GUARDED_BY(mu_);
  /// As they came in, by servable name.
  std::map<std::string, std::vector<Data>> last_lists_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::set<int64_t>> told_missing_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_POLICY_VERSION_POLICY_ADAPTER_H_

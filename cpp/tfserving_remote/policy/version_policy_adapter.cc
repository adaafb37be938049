// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/policy/version_policy_adapter.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tfserving_remote {
namespace {

using tensorflow::serving::ServableData;
using tensorflow::serving::StoragePath;

/// No source sends it: version numbers are not negative.
constexpr int64_t kSendAgain = -1;

bool AsksToSendAgain(const std::vector<ServableData<StoragePath>>& versions) {
  return versions.size() == 1 && versions.front().id().version == kSendAgain;
}

}  // namespace

VersionPolicyAdapter::VersionPolicyAdapter(Policies policies, LogSink& log)
    : log_(log), policies_(std::move(policies)) {}

VersionPolicyAdapter::~VersionPolicyAdapter() {
  tensorflow::serving::TargetBase<StoragePath>::Detach();
}

void VersionPolicyAdapter::SetPolicies(Policies policies, const std::set<std::string>& moved) {
  std::vector<std::string> changed;
  {
    absl::MutexLock lock(&mu_);
    policies_.swap(policies);
    for (const std::string& name : moved) last_lists_.erase(name);
    for (const auto& [name, versions] : last_lists_) {
      const auto before = policies.find(name);
      const VersionPolicy old = before == policies.end() ? VersionPolicy() : before->second;
      if (!(old == PolicyOf(name))) {
        changed.push_back(name);
        told_missing_.erase(name);
      }
    }
  }
  // Through the front door, where lists come in one at a time: the list that is newest by then
  // is chosen from, so that none overtakes another.
  const auto send = GetAspiredVersionsCallback();
  for (const std::string& name : changed) {
    send(name, {ServableData<StoragePath>({name, kSendAgain}, absl::CancelledError("again"))});
  }
}

std::vector<VersionPolicyAdapter::Data> VersionPolicyAdapter::Adapt(
    const absl::string_view servable_name, std::vector<Data> versions) {
  const std::string name(servable_name);
  VersionPolicy policy;
  std::set<int64_t> news;
  std::vector<Data> chosen;
  bool none_of_some = false;
  {
    absl::MutexLock lock(&mu_);
    const std::vector<Data> all = Remember(name, std::move(versions));
    std::set<int64_t> numbers;
    for (const Data& version : all) numbers.insert(version.id().version);
    policy = PolicyOf(name);
    VersionSelection selection = SelectVersions(policy, numbers);
    // A removed servable misses nothing.
    news = News(name, all.empty() ? std::set<int64_t>() : selection.missing);
    none_of_some = !all.empty() && selection.selected.empty();
    for (const Data& version : all) {
      // Of a number that is there twice the first counts, as for the manager.
      if (selection.selected.erase(version.id().version) > 0) chosen.push_back(version);
    }
  }
  for (const int64_t version : news) {
    log_.Log(Severity::kWarning,
             absl::StrCat("Version ", version, " of servable ", name,
                          ", which was requested to be served as a 'specific' version in the "
                          "servable's version policy, was not found in the file system",
                          none_of_some ? "; nothing of this servable is served until one is" : ""));
  }
  return chosen;
}

VersionPolicy VersionPolicyAdapter::PolicyOf(const std::string& servable_name) const {
  const auto policy = policies_.find(servable_name);
  return policy == policies_.end() ? VersionPolicy() : policy->second;
}

std::vector<VersionPolicyAdapter::Data> VersionPolicyAdapter::Remember(
    const std::string& servable_name, std::vector<Data> versions) {
  if (AsksToSendAgain(versions)) {
    const auto last = last_lists_.find(servable_name);
    return last == last_lists_.end() ? std::vector<Data>() : last->second;
  }
  if (versions.empty()) {
    last_lists_.erase(servable_name);
    return versions;
  }
  last_lists_.insert_or_assign(servable_name, versions);
  return versions;
}

std::set<int64_t> VersionPolicyAdapter::News(const std::string& servable_name,
                                             const std::set<int64_t>& missing) {
  std::set<int64_t>& told = told_missing_[servable_name];
  std::set<int64_t> news;
  for (const int64_t version : missing) {
    if (told.count(version) == 0) news.insert(version);
  }
  told = missing;
  if (told.empty()) told_missing_.erase(servable_name);
  return news;
}

}  // namespace tfserving_remote

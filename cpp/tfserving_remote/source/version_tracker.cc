// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/version_tracker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tfserving_remote/manifest/listing_fingerprint.h"
#include "tfserving_remote/source/saved_model_files.h"

namespace tfserving_remote {
namespace {

/// Drops what `listing` no longer shows under the same name.
template <typename Map, typename GetVersion>
void KeepListed(const BaseListing& listing, Map& map, GetVersion get_version) {
  for (auto entry = map.begin(); entry != map.end();) {
    const auto listed = listing.versions.find(entry->first);
    const bool same = listed != listing.versions.end() &&
                      listed->second.name.PathName() == get_version(entry->second).name.PathName();
    entry = same ? std::next(entry) : map.erase(entry);
  }
}

}  // namespace

std::vector<ListedVersion> VersionTracker::Observe(const Listing& listing,
                                                   absl::string_view base_key, absl::Time now) {
  std::map<int64_t, std::string> offered;
  for (const auto& [number, version] : complete_) offered[number] = version.name.PathName();
  BaseListing base = ReadBaseListing(listing, base_key, rule_.manifest_mode, offered);
  ForgetUnlisted(base);
  listing_problems_ = std::move(base.problems);

  std::vector<ListedVersion> to_list;
  for (auto version = base.versions.rbegin(); version != base.versions.rend(); ++version) {
    const auto& [number, listed] = *version;
    const bool withdrawn =
        rule_.manifest_mode == ManifestMode::kRequired && !listed.manifest.has_value();
    if (CompleteAtOnce(listed) || (complete_.count(number) > 0 && !withdrawn)) {
      complete_.insert_or_assign(number, listed);
      candidates_.erase(number);
      continue;
    }
    complete_.erase(number);
    Candidate& candidate = candidates_[number];
    candidate.version = listed;
    if (withdrawn) {
      candidate.reason = absl::StrCat("has no manifest, and one is required; publish writes ",
                                      ManifestName(listed.name.name), " last");
    } else if (listed.archive.has_value()) {
      ObserveContent(candidate, ListingFingerprint({*listed.archive}),
                     listed.archive->size == 0 ? "the archive is empty" : "", now);
    } else if (candidate.next_check <= now) {
      to_list.push_back(listed);
    }
  }
  return to_list;
}

void VersionTracker::ObserveFolder(const ListedVersion& version, absl::string_view folder_key,
                                   const std::vector<ObjectInfo>& objects, absl::Time now) {
  const auto candidate = candidates_.find(version.name.number);
  if (candidate == candidates_.end()) return;
  ObserveContent(candidate->second, ListingFingerprint(objects), MissingIn(folder_key, objects),
                 now);
}

std::string VersionTracker::MissingIn(absl::string_view folder_key,
                                      const std::vector<ObjectInfo>& objects) const {
  std::vector<absl::string_view> files;
  files.reserve(objects.size());
  for (const ObjectInfo& object : objects) {
    absl::string_view file = object.key;
    // Objects that end in a slash only remember folders.
    if (absl::ConsumePrefix(&file, folder_key) && !file.empty() && file.back() != '/') {
      files.push_back(file);
    }
  }
  if (rule_.contents == VersionContentsKind::kSavedModel) return MissingSavedModelFile(files);
  return files.empty() ? "there are no files" : "";
}

bool VersionTracker::awaits_confirmation() const {
  return std::any_of(candidates_.begin(), candidates_.end(),
                     [](const auto& entry) { return entry.second.unconfirmed; });
}

std::vector<VersionProblem> VersionTracker::problems() const {
  std::vector<VersionProblem> problems;
  for (const auto& [number, candidate] : candidates_) {
    const VersionName& name = candidate.version.name;
    const bool folder = name.packing == VersionPacking::kFolder;
    problems.push_back({absl::StrCat(name.PathName(), folder ? "/" : ""), candidate.reason,
                        /*pending=*/true});
  }
  problems.insert(problems.end(), listing_problems_.begin(), listing_problems_.end());
  return problems;
}

void VersionTracker::ForgetUnlisted(const BaseListing& listing) {
  KeepListed(listing, complete_,
             [](const ListedVersion& version) -> const ListedVersion& { return version; });
  KeepListed(listing, candidates_,
             [](const Candidate& candidate) -> const ListedVersion& { return candidate.version; });
}

void VersionTracker::ObserveContent(Candidate& candidate, std::string fingerprint,
                                    std::string missing, absl::Time now) {
  const bool same = !candidate.fingerprint.empty() && candidate.fingerprint == fingerprint;
  candidate.fingerprint = std::move(fingerprint);
  candidate.unchanged = same ? candidate.unchanged + 1 : 0;
  candidate.unconfirmed = missing.empty();
  if (candidate.unconfirmed && same) {
    const int64_t number = candidate.version.name.number;
    complete_.insert_or_assign(number, candidate.version);
    candidates_.erase(number);
    return;
  }
  if (candidate.unconfirmed) {
    candidate.reason = "looks complete; waits for a second listing that shows the same";
    candidate.next_check = now;
    return;
  }
  candidate.reason =
      absl::StrCat("not complete: ", missing, "; it is loaded once everything is there");
  candidate.next_check =
      same ? now + BackoffPause(recheck_, candidate.unchanged, /*random=*/0.0) : now;
}

bool VersionTracker::CompleteAtOnce(const ListedVersion& version) const {
  return rule_.manifest_mode == ManifestMode::kIgnored || version.manifest.has_value();
}

}  // namespace tfserving_remote

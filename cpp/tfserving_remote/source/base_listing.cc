// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/base_listing.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace tfserving_remote {
namespace {

std::string Entry(const VersionName& name) {
  return absl::StrCat(name.PathName(), name.packing == VersionPacking::kFolder ? "/" : "");
}

bool AllDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

/// True for what people (and TensorFlow Serving) take for a version number but is none here: a
/// sign, white space around it, or more than 63 bits.
bool LooksLikeNumber(absl::string_view entry) {
  absl::string_view text = absl::StripAsciiWhitespace(entry);
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  return AllDigits(text);
}

/// Collects the entries of one base path.
class Reader {
 public:
  Reader(absl::string_view base_key, ManifestMode mode) : base_key_(base_key), mode_(mode) {}

  void AddFolder(absl::string_view prefix) {
    if (!absl::ConsumePrefix(&prefix, base_key_)) return;
    if (std::optional<VersionName> name = VersionName::Parse(prefix)) {
      AddVersion({*std::move(name), std::nullopt, std::nullopt});
    } else if (LooksLikeNumber(absl::StripSuffix(prefix, "/"))) {
      AddMisnamed(prefix);
    }
  }

  void AddObject(const ObjectInfo& object) {
    absl::string_view entry = object.key;
    if (!absl::ConsumePrefix(&entry, base_key_) || entry.empty()) return;
    if (std::optional<std::string> name = ParseManifestName(entry)) {
      if (mode_ != ManifestMode::kIgnored) manifests_.emplace(*std::move(name), object);
    } else if (std::optional<std::string> signed_name = ParseSignatureName(entry)) {
      signatures_.emplace(*std::move(signed_name), object);
    } else if (std::optional<VersionName> version = VersionName::Parse(entry)) {
      AddVersion({*std::move(version), object, std::nullopt});
    } else if (ParseVersionNumber(entry).has_value()) {
      AddProblem(entry,
                 "is a plain file; a version is a folder or a .tar, .tar.gz or .tar.zst archive");
    } else if (LooksLikeNumber(entry)) {
      AddMisnamed(entry);
    }
  }

  BaseListing Finish(const std::map<int64_t, std::string>& offered) && {
    AttachManifests();
    for (auto& [number, candidates] : candidates_) {
      const auto was_offered = offered.find(number);
      Decide(std::move(candidates), was_offered == offered.end() ? "" : was_offered->second);
    }
    return std::move(result_);
  }

 private:
  void AddVersion(ListedVersion version) {
    std::vector<ListedVersion>& candidates = candidates_[version.name.number];
    const std::string path_name = version.name.PathName();
    for (const ListedVersion& candidate : candidates) {
      if (candidate.name.PathName() == path_name) return;  // a listing may repeat itself
    }
    candidates.push_back(std::move(version));
  }

  void AddProblem(absl::string_view entry, absl::string_view reason) {
    result_.problems.push_back({absl::CHexEscape(entry), std::string(reason)});
  }

  void AddMisnamed(absl::string_view entry) {
    AddProblem(entry,
               "is no version: the name must be digits only, up to 9223372036854775807; rename it");
  }

  void AttachManifests() {
    for (auto& [number, candidates] : candidates_) {
      for (ListedVersion& candidate : candidates) {
        const auto manifest = manifests_.find(candidate.name.name);
        if (manifest == manifests_.end()) continue;
        candidate.manifest = manifest->second;
        const auto signature = signatures_.find(candidate.name.name);
        if (signature != signatures_.end()) candidate.signature = signature->second;
      }
    }
    for (const auto& [name, manifest] : manifests_) {
      const std::optional<int64_t> number = ParseVersionNumber(name);
      if (number.has_value() && !HasCandidate(*number, name)) {
        AddProblem(ManifestName(name), absl::StrCat("is a manifest without its version: there is "
                                                    "neither a folder nor an archive ",
                                                    name));
      }
    }
  }

  bool HasCandidate(int64_t number, absl::string_view name) const {
    const auto candidates = candidates_.find(number);
    return candidates != candidates_.end() &&
           std::any_of(candidates->second.begin(), candidates->second.end(),
                       [name](const ListedVersion& v) { return v.name.name == name; });
  }

  /// Takes the one entry that is the version, and reports the others.
  void Decide(std::vector<ListedVersion> candidates, absl::string_view offered) {
    const ListedVersion* chosen = Choose(candidates, offered);
    if (candidates.size() > 1) ReportDuplicates(candidates, chosen);
    if (chosen != nullptr) result_.versions.emplace(chosen->name.number, *chosen);
  }

  static const ListedVersion* Choose(const std::vector<ListedVersion>& candidates,
                                     absl::string_view offered) {
    if (candidates.size() == 1) return &candidates.front();
    const ListedVersion* with_manifest = nullptr;
    const ListedVersion* before = nullptr;
    int manifests = 0;
    for (const ListedVersion& candidate : candidates) {
      if (candidate.manifest.has_value()) {
        with_manifest = &candidate;
        ++manifests;
      }
      if (candidate.name.PathName() == offered) before = &candidate;
    }
    return manifests == 1 ? with_manifest : before;
  }

  void ReportDuplicates(const std::vector<ListedVersion>& candidates, const ListedVersion* chosen) {
    const std::string all =
        absl::StrJoin(candidates, ", ", [](std::string* out, const ListedVersion& candidate) {
          absl::StrAppend(out, Entry(candidate.name));
        });
    const std::string outcome =
        chosen == nullptr
            ? "none of them is loaded; remove all but one, or give the right one a manifest"
            : absl::StrCat("only ", Entry(chosen->name), " is used; remove the others");
    for (const ListedVersion& candidate : candidates) {
      if (&candidate == chosen) continue;
      AddProblem(Entry(candidate.name), absl::StrCat("version ", candidate.name.number,
                                                     " is there twice (", all, "): ", outcome));
    }
  }

  const absl::string_view base_key_;
  const ManifestMode mode_;
  std::map<int64_t, std::vector<ListedVersion>> candidates_;
  std::map<std::string, ObjectInfo> manifests_;
  std::map<std::string, ObjectInfo> signatures_;
  BaseListing result_;
};

}  // namespace

BaseListing ReadBaseListing(const Listing& listing, absl::string_view base_key, ManifestMode mode,
                            const std::map<int64_t, std::string>& offered) {
  Reader reader(base_key, mode);
  for (const std::string& prefix : listing.prefixes) reader.AddFolder(prefix);
  for (const ObjectInfo& object : listing.objects) reader.AddObject(object);
  return std::move(reader).Finish(offered);
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/sources/storage_path/version_scan.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "tensorflow/core/platform/path.h"

namespace tensorflow {
namespace serving {
namespace internal {
namespace {

using Policy = FileSystemStoragePathSourceConfig::ServableVersionPolicy;
using ServableToMonitor = FileSystemStoragePathSourceConfig::ServableToMonitor;

class Scanner {
 public:
  Scanner(const ServableToMonitor& servable, FileProbingEnv* env)
      : policy_(servable.servable_version_policy()),
        name_(servable.servable_name()),
        base_path_(servable.base_path()),
        env_(env) {}

  VersionScan Run() {
    scan_.status = Scan();
    if (!scan_.status.ok()) {
      scan_.versions.clear();
      Report(absl::LogSeverity::kError,
             absl::StrCat("FileSystemStoragePathSource encountered a filesystem access error: ",
                          scan_.status.message()));
    } else if (scan_.versions.empty() && !scan_.none_wanted) {
      Warn(absl::StrCat("No versions of servable ", name_, " found under base path ", base_path_,
                        ". Did you forget to name your leaf directory as a number (eg. '/1/')? "
                        "What is loaded stays loaded"));
    }
    return std::move(scan_);
  }

 private:
  // Every name that reads as the same number, in lexicographic order.
  using NamesByVersion = std::map<int64_t, std::set<std::string>>;

  absl::Status Scan() {
    if (const absl::Status exists = env_->FileExists(base_path_); !exists.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("Could not find base path ", base_path_,
                                                     " for servable ", name_, " with error ",
                                                     exists.ToString()));
    }
    std::vector<int64_t> wanted;
    if (policy_.has_specific()) {
      wanted = Wanted();
      if (wanted.empty()) {
        Warn(absl::StrCat("No specific versions requested for servable ", name_, "."));
        scan_.none_wanted = true;
        return absl::OkStatus();
      }
      if (TakeWithoutListing(wanted)) return absl::OkStatus();
    }
    NamesByVersion there;
    if (absl::Status status = List(&there); !status.ok()) return status;
    switch (policy_.policy_choice_case()) {
      case Policy::kAll:
        TakeAll(there);
        break;
      case Policy::kSpecific:
        TakeSpecific(there, std::move(wanted));
        break;
      default:
        TakeLatest(there, std::max<uint32_t>(policy_.latest().num_versions(), 1));
    }
    return absl::OkStatus();
  }

  // The versions that a `specific` policy names, each once, in its order.
  std::vector<int64_t> Wanted() {
    std::vector<int64_t> wanted;
    std::set<int64_t> seen;
    for (const int64_t version : policy_.specific().versions()) {
      if (seen.insert(version).second) {
        wanted.push_back(version);
      } else {
        Warn(absl::StrCat("Version ", version, " of servable ", name_,
                          " is requested more than once; it is loaded once"));
      }
    }
    return wanted;
  }

  // All or nothing: true if every one of them has a directory that bears its plain number.
  bool TakeWithoutListing(const std::vector<int64_t>& wanted) {
    for (const int64_t version : wanted) {
      if (version < 0 || !env_->IsDirectory(PathOf(absl::StrCat(version))).ok()) return false;
    }
    for (const int64_t version : wanted) Take(version, absl::StrCat(version));
    return true;
  }

  absl::Status List(NamesByVersion* there) {
    std::vector<std::string> children;
    if (const absl::Status status = env_->GetChildren(base_path_, &children); !status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("Could not list base path ", base_path_, " for servable ",
                                       name_, " with error ", status.ToString()));
    }
    for (const std::string& child : children) {
      // Object stores may list what lies deeper, too.
      const std::string name = child.substr(0, child.find('/'));
      int64_t version = -1;
      if (absl::SimpleAtoi(name, &version) && version >= 0) (*there)[version].insert(name);
    }
    return absl::OkStatus();
  }

  void TakeLatest(const NamesByVersion& there, size_t count) {
    for (auto version = there.rbegin(); version != there.rend(); ++version) {
      if (scan_.versions.size() == count) return;
      TakeOneOf(version->first, version->second);
    }
  }

  void TakeAll(const NamesByVersion& there) {
    std::map<std::string, int64_t> by_name;
    for (const auto& [version, names] : there) {
      if (const auto name = Choose(version, names)) by_name.emplace(*name, version);
    }
    for (const auto& [name, version] : by_name) Take(version, name);
  }

  void TakeSpecific(const NamesByVersion& there, std::vector<int64_t> wanted) {
    std::sort(wanted.begin(), wanted.end());
    for (const int64_t version : wanted) {
      const auto found = there.find(version);
      if (found != there.end() && TakeOneOf(version, found->second)) continue;
      Warn(absl::StrCat("Version ", version, " of servable ", name_,
                        ", which was requested to be served as a 'specific' version in the "
                        "servable's version policy, was not found in the file system"));
    }
  }

  bool TakeOneOf(int64_t version, const std::set<std::string>& names) {
    const absl::optional<std::string> name = Choose(version, names);
    if (name) Take(version, *name);
    return name.has_value();
  }

  void Take(int64_t version, const std::string& name) {
    scan_.versions.push_back(CreateServableData(ServableId{name_, version}, PathOf(name)));
  }

  // The last of the names that is not a plain file.
  absl::optional<std::string> Choose(int64_t version, const std::set<std::string>& names) {
    absl::optional<std::string> chosen;
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      if (chosen) {
        Warn(absl::StrCat("Duplicate version directories detected. Version ", version,
                          " will be loaded from ", PathOf(*chosen), ", ", PathOf(*name),
                          " will be ignored."));
      } else if (IsPlainFile(*name)) {
        Warn(absl::StrCat(PathOf(*name), " is a plain file; version ", version, " of servable ",
                          name_, " is not loaded from it"));
      } else {
        chosen = *name;
      }
    }
    return chosen;
  }

  // Only what is known to be one: a file system that cannot tell must not hide a version.
  bool IsPlainFile(const std::string& name) {
    return absl::IsFailedPrecondition(env_->IsDirectory(PathOf(name)));
  }

  std::string PathOf(const std::string& child) const { return io::JoinPath(base_path_, child); }
  void Warn(std::string text) { Report(absl::LogSeverity::kWarning, std::move(text)); }
  void Report(absl::LogSeverity severity, std::string text) {
    scan_.reports.push_back({severity, std::move(text)});
  }

  const Policy& policy_;
  const std::string& name_;
  const std::string& base_path_;
  FileProbingEnv* const env_;

  VersionScan scan_;
};

}  // namespace

VersionScan ScanVersions(const ServableToMonitor& servable, FileProbingEnv* env) {
  return Scanner(servable, env).Run();
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SOURCE_VERSION_TRACKER_H_
#define TFSERVING_REMOTE_SOURCE_VERSION_TRACKER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tfserving_remote/base/backoff.h"
#include "tfserving_remote/source/base_listing.h"
#include "tfserving_remote/store/object_store.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tfserving_remote {

/// What the files of a version are.
enum class VersionContentsKind {
  /// A SavedModel, so that one that lacks files is known not to be complete.
  kSavedModel,
  /// Anything that a platform loads.
  kAnyFiles,
};

/// When a version counts as complete.
struct CompletenessRule {
  ManifestMode manifest_mode = ManifestMode::kPreferred;
  VersionContentsKind contents = VersionContentsKind::kSavedModel;
};

/// Decides, from the listings of one base path, which of its versions are complete.
///
/// A version is complete
///   kRequired:  when it has a manifest;
///   kPreferred: when it has a manifest, or when its files are a whole SavedModel (or it is an
///               archive, or there are files of another kind) and two listings in a row agree on
///               every name, size and tag;
///   kIgnored:   when it is listed.
/// A complete version stays complete for as long as it is listed. Knows nothing of stores and
/// clocks.
///
/// Units:    absl::Time.
/// Errors:   none; why a version is not complete is among problems().
/// Threads:  one at a time.
/// Lifetime: a plain value.
class VersionTracker {
 public:
  /// `recheck` tells how the pauses grow after which a version that lacks files, and does not
  /// change, is looked at again.
  VersionTracker(const CompletenessRule& rule, const BackoffOptions& recheck)
      : rule_(rule), recheck_(recheck) {}

  /// Takes in a listing of the base path that succeeded. Returns the versions whose folders are to
  /// be listed now, newest first; each listing goes to ObserveFolder.
  std::vector<ListedVersion> Observe(const Listing& listing, absl::string_view base_key,
                                     absl::Time now);

  /// Takes in all objects below a version's folder, which has the key `folder_key`.
  void ObserveFolder(const ListedVersion& version, absl::string_view folder_key,
                     const std::vector<ObjectInfo>& objects, absl::Time now);

  /// The complete versions that the last listing showed, by number.
  const std::map<int64_t, ListedVersion>& complete() const { return complete_; }

  /// Whether the next listing can make a version complete just by being the same.
  bool awaits_confirmation() const;

  /// Versions that are not complete yet, and entries that cannot be versions.
  std::vector<VersionProblem> problems() const;

 private:
  /// A version that is not complete so far.
  struct Candidate {
    ListedVersion version;
    /// Of the last listing of its content; empty before the first.
    std::string fingerprint;
    /// Listings in a row that showed the same.
    int64_t unchanged = 0;
    absl::Time next_check = absl::InfinitePast();
    /// Nothing is missing, but no second listing has said so.
    bool unconfirmed = false;
    std::string reason;
  };

  void ForgetUnlisted(const BaseListing& listing);
  void ObserveContent(Candidate& candidate, std::string fingerprint, std::string missing,
                      absl::Time now);
  std::string MissingIn(absl::string_view folder_key, const std::vector<ObjectInfo>& objects) const;
  bool CompleteAtOnce(const ListedVersion& version) const;

  CompletenessRule rule_;
  BackoffOptions recheck_;
  std::map<int64_t, ListedVersion> complete_;
  std::map<int64_t, Candidate> candidates_;
  std::vector<VersionProblem> listing_problems_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SOURCE_VERSION_TRACKER_H_

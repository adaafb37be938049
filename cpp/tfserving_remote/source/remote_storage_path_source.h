// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SOURCE_REMOTE_STORAGE_PATH_SOURCE_H_
#define TFSERVING_REMOTE_SOURCE_REMOTE_STORAGE_PATH_SOURCE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/core/source.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tfserving_remote/base/storage_url.h"
#include "tfserving_remote/source/retry_schedule.h"
#include "tfserving_remote/source/servable_source_status.h"
#include "tfserving_remote/source/servable_watch.h"
#include "tfserving_remote/source/version_tracker.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tfserving_remote {

/// A model to look for.
struct MonitoredServable {
  std::string name;
  /// A URL or an absolute path: StorageUrl.
  std::string base_path;
  ManifestMode manifest_mode = ManifestMode::kPreferred;
  VersionContentsKind contents = VersionContentsKind::kSavedModel;

  friend bool operator==(const MonitoredServable& a, const MonitoredServable& b) {
    return a.name == b.name && a.base_path == b.base_path && a.manifest_mode == b.manifest_mode &&
           a.contents == b.contents;
  }
};

/// Watches base paths in object stores and tells the target which versions are there: every
/// complete one, as `<base path>/<entry>`; a policy comes after it (policy/).
///
/// A list is sent when it differs from the one before, or when a version that failed to load is to
/// be tried again. An empty list is sent only for a servable that leaves the configuration:
/// neither a failed listing nor one that is suddenly empty unloads what serves. Each servable is
/// polled on a thread of its own, so that a store that hangs delays nobody else.
///
/// Units:    absl::Duration.
/// Errors:   INVALID_ARGUMENT for a bad configuration, which then changes nothing; what goes wrong
///           later stands in Snapshot() and, when it is news, in the log.
/// Threads:  safe to call from any thread. The callback is called from the polling threads, and
///           for removed servables from UpdateConfig; never under a lock, and for one servable
///           never twice at once. It must not call UpdateConfig or destroy the source.
/// Lifetime: the destructor cancels calls of stores and waits for callbacks in progress.
class RemoteStoragePathSource final
    : public tensorflow::serving::Source<tensorflow::serving::StoragePath> {
 public:
  struct Options {
    /// Each name once.
    std::vector<MonitoredServable> servables;
    PollOptions poll;
    LoadRetryOptions retry;
  };

  static absl::StatusOr<std::unique_ptr<RemoteStoragePathSource>> Create(Options options,
                                                                         SourceEnv env);
  ~RemoteStoragePathSource() override;
  RemoteStoragePathSource(const RemoteStoragePathSource&) = delete;
  RemoteStoragePathSource& operator=(const RemoteStoragePathSource&) = delete;

  /// OK for what UpdateConfig would take.
  static absl::Status Validate(const std::vector<MonitoredServable>& servables) {
    return Parse(servables).status();
  }

  /// Starts polling, the first poll at once. Later calls are ignored.
  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override;

  /// Replaces the servables. New ones are polled at once; removed ones get their empty list before
  /// this returns; one whose base path changed keeps what serves until the new path shows a
  /// version; the others are not disturbed.
  absl::Status UpdateConfig(const std::vector<MonitoredServable>& servables);

  /// By name.
  std::vector<MonitoredServable> servables() const;
  /// By name; one for each servable of the configuration.
  std::vector<ServableSourceStatus> Snapshot() const;

 private:
  class Poller;
  using Pollers = std::map<std::string, std::unique_ptr<Poller>>;

  struct Servable {
    MonitoredServable config;
    StorageUrl base;
  };
  using Servables = std::map<std::string, Servable>;

  RemoteStoragePathSource(PollOptions poll, LoadRetryOptions retry, SourceEnv env,
                          Servables servables);

  static absl::StatusOr<Servables> Parse(const std::vector<MonitoredServable>& servables);

  // One change of configuration or callback at a time, without holding mu_ meanwhile.
  void BeginChange() ABSL_LOCKS_EXCLUDED(mu_);
  void EndChange() ABSL_LOCKS_EXCLUDED(mu_);

  /// Takes the pollers of servables that are not the same in `next` out of pollers_.
  Pollers TakeOutdated(const Servables& next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StartMissingPollers() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void Stop(Pollers pollers);

  // Constant after construction.
  const PollOptions poll_;
  const LoadRetryOptions retry_;
  const SourceEnv env_;

  mutable absl::Mutex mu_;
  bool changing_ ABSL_GUARDED_BY(mu_) = false;
  AspiredVersionsCallback callback_ ABSL_GUARDED_BY(mu_);
  Servables servables_ ABSL_GUARDED_BY(mu_);
  Pollers pollers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SOURCE_REMOTE_STORAGE_PATH_SOURCE_H_

// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_FILE_SYSTEM_STORAGE_PATH_SOURCE_H_
#define TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_FILE_SYSTEM_STORAGE_PATH_SOURCE_H_

#include <chrono>  // steady: a step of the wall clock must not put off a poll
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tensorflow_serving/config/file_system_storage_path_source.pb.h"
#include "tensorflow_serving/core/source.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tensorflow_serving/sources/storage_path/aspired_versions_outbox.h"
#include "tensorflow_serving/sources/storage_path/growing_threads.h"
#include "tensorflow_serving/sources/storage_path/version_scan.h"
#include "tensorflow_serving/util/file_probing_env.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {
namespace internal {
class FileSystemStoragePathSourceTestAccess;
}  // namespace internal

// Aspires to the versions it finds as numbered directories below base paths, on any file system
// that TensorFlow knows: `base_path/00000123` is version 123.
//
// Units:    file_system_poll_wait_seconds: above 0 the seconds from one poll to the next; 0 polls
//           each configured servable once; below 0 never polls. Every poll sends every servable's
//           list, changed or not, in the order of their names.
// Errors:   a base path that is missing or cannot be listed, or in which no version is found, is
//           logged when that changes, and its servable hears nothing: what serves stays. An empty
//           list means that the servable left the configuration, or that its policy is `specific`
//           and names no version (unless servable_versions_always_present is set).
// Threads:  safe from any thread; the callback may call back. No callback runs under a lock: while
//           one blocks, UpdateConfig and config() do not, and its other lists wait in order. A base
//           path that hangs keeps no other waiting.
// Lifetime: the destructor waits for a running callback and for file system calls under way, not
//           for the poll period. Not to be called from the callback.
class FileSystemStoragePathSource : public Source<StoragePath> {
 public:
  // kNotFound or kInvalidArgument if the configuration wants a version of each servable to be there
  // at startup, and one has none.
  static absl::Status Create(const FileSystemStoragePathSourceConfig& config,
                             std::unique_ptr<FileSystemStoragePathSource>* result);
  ~FileSystemStoragePathSource() override;

  // Servables that left get their empty list before this returns, or, if a callback is just
  // running, right after that one. New and changed ones are polled at once, unless never is. After
  // an error, as in Create or because the poll period would change, nothing has changed.
  absl::Status UpdateConfig(const FileSystemStoragePathSourceConfig& config);

  // Starts to poll.
  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override;

  FileSystemStoragePathSourceConfig config() const;

 private:
  friend class internal::FileSystemStoragePathSourceTestAccess;

  using Config = FileSystemStoragePathSourceConfig;
  using SteadyTime = std::chrono::steady_clock::time_point;

  // One entry of the configuration.
  struct Watch {
    Config::ServableToMonitor servable;
    // Never used again, so that what was found for an entry that has changed is not mistaken for
    // what its successor finds.
    uint64_t generation = 0;
    // Not polled yet.
    bool is_new = true;
    // What its last poll reported.
    std::set<std::string> said;
    bool failed = false;

    // What is to be logged of this scan: what the one before did not say.
    std::vector<internal::VersionScan::Report> News(const internal::VersionScan& scan);
  };
  struct Job {
    Config::ServableToMonitor servable;
    uint64_t generation;
  };
  struct Found {
    Job job;
    internal::VersionScan scan;
  };

  FileSystemStoragePathSource();

  // One poll of all servables, and their callbacks, on this thread. The first error, if any.
  absl::Status PollFileSystemAndInvokeCallback();
  // `fn` is called after each callback.
  void SetAspiredVersionsCallbackNotifier(std::function<void()> fn);

  absl::Status CheckPeriodIsKept(const Config& config) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  absl::Status CheckVersionsArePresent(const Config& config) const;
  void ReplaceWatches(const Config& config) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // What the polling thread does.
  void PollUntilStopped(absl::Duration period);
  bool AwaitWork(absl::Duration timeout);
  void PollOnThreads(bool only_new);
  void Start(const Job& job);
  void PublishFound();

  // Servables to be polled now; none that still are being.
  std::vector<Job> TakeJobs(bool only_new);
  // Unless the configuration has changed since.
  void Publish(const Job& job, internal::VersionScan scan);

  // Constant after construction, but for tests.
  std::unique_ptr<FileProbingEnv> probing_env_;
  // How long a scan may keep those after it waiting.
  absl::Duration patience_ = absl::Seconds(1);

  // Taken under mu_, never the other way round; Deliver only without it.
  internal::AspiredVersionsOutbox outbox_;

  mutable absl::Mutex mu_;
  Config config_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, Watch> watches_ ABSL_GUARDED_BY(mu_);
  uint64_t last_generation_ ABSL_GUARDED_BY(mu_) = 0;
  bool has_new_watches_ ABSL_GUARDED_BY(mu_) = false;
  std::set<uint64_t> scanning_ ABSL_GUARDED_BY(mu_);
  std::vector<Found> found_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  // First to die, because they use the others.
  internal::GrowingThreads scan_threads_;
  std::unique_ptr<Thread> polling_thread_ ABSL_GUARDED_BY(mu_);
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_FILE_SYSTEM_STORAGE_PATH_SOURCE_H_

// SPDX-License-Identifier: Apache-2.0
// Doubles for the tests of this room alone.
#ifndef TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_STORAGE_PATH_TEST_SUPPORT_H_
#define TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_STORAGE_PATH_TEST_SUPPORT_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "tensorflow_serving/sources/storage_path/file_system_storage_path_source.h"

namespace tensorflow {
namespace serving {
namespace internal {

class FileSystemStoragePathSourceTestAccess {
 public:
  explicit FileSystemStoragePathSourceTestAccess(FileSystemStoragePathSource* source)
      : source_(source) {}

  absl::Status PollFileSystemAndInvokeCallback() {
    return source_->PollFileSystemAndInvokeCallback();
  }
  void SetAspiredVersionsCallbackNotifier(std::function<void()> fn) {
    source_->SetAspiredVersionsCallbackNotifier(std::move(fn));
  }
  // Before the callback is set.
  void SetProbingEnv(std::unique_ptr<FileProbingEnv> env) {
    source_->probing_env_ = std::move(env);
  }
  // Any scan counts as one that takes long.
  void LosePatience() { source_->patience_ = absl::ZeroDuration(); }

 private:
  FileSystemStoragePathSource* const source_;
};

}  // namespace internal

namespace test_util {

// Folders and files in memory, with the faults that a test asks for. Shared by all Views of it.
class FakeFiles {
 public:
  void AddFolder(const std::string& path) { Add(path, absl::OkStatus()); }
  void AddFile(const std::string& path) { Add(path, absl::FailedPreconditionError("a file")); }
  void Remove(const std::string& path) {
    absl::MutexLock lock(&mu_);
    entries_.erase(path);
  }
  // What IsDirectory says of it.
  void Add(const std::string& path, absl::Status is_directory) {
    absl::MutexLock lock(&mu_);
    entries_[path] = std::move(is_directory);
  }
  void FailListings(absl::Status status) {
    absl::MutexLock lock(&mu_);
    listing_status_ = std::move(status);
  }
  // Called with every path that somebody looks for.
  void OnLookFor(std::function<void(absl::string_view path)> fn) {
    absl::MutexLock lock(&mu_);
    on_look_for_ = std::move(fn);
  }
  int num_listings() const {
    absl::MutexLock lock(&mu_);
    return num_listings_;
  }

  std::unique_ptr<FileProbingEnv> MakeEnv() { return std::make_unique<View>(this); }

 private:
  class View : public FileProbingEnv {
   public:
    explicit View(FakeFiles* files) : files_(files) {}

    absl::Status FileExists(absl::string_view fname) override {
      std::function<void(absl::string_view)> on_look_for;
      {
        absl::MutexLock lock(&files_->mu_);
        on_look_for = files_->on_look_for_;
      }
      if (on_look_for) on_look_for(fname);
      absl::MutexLock lock(&files_->mu_);
      return files_->entries_.count(std::string(fname)) > 0 ? absl::OkStatus()
                                                            : absl::NotFoundError("no such thing");
    }
    // Of all that lies below, as some object stores do.
    absl::Status GetChildren(const std::string& dir, std::vector<std::string>* children) override {
      absl::MutexLock lock(&files_->mu_);
      ++files_->num_listings_;
      for (const auto& [path, unused] : files_->entries_) {
        if (absl::StartsWith(path, dir + "/")) children->push_back(path.substr(dir.size() + 1));
      }
      return files_->listing_status_;
    }
    absl::Status IsDirectory(const std::string& fname) override {
      absl::MutexLock lock(&files_->mu_);
      const auto found = files_->entries_.find(fname);
      return found == files_->entries_.end() ? absl::NotFoundError("no such thing") : found->second;
    }
    absl::Status GetFileSize(const std::string&, uint64_t*) override {
      return absl::UnimplementedError("nobody asks");
    }

   private:
    FakeFiles* const files_;
  };

  mutable absl::Mutex mu_;
  std::map<std::string, absl::Status> entries_ ABSL_GUARDED_BY(mu_);
  absl::Status listing_status_ ABSL_GUARDED_BY(mu_);
  std::function<void(absl::string_view)> on_look_for_ ABSL_GUARDED_BY(mu_);
  int num_listings_ ABSL_GUARDED_BY(mu_) = 0;
};

// Writes down what a source calls back with: "m: 2=/m/2 1=/m/1", "m:" for an empty list.
class Heard {
 public:
  static std::string Line(absl::string_view servable_name,
                          const std::vector<ServableData<StoragePath>>& versions) {
    std::string line = absl::StrCat(servable_name, ":");
    for (const ServableData<StoragePath>& version : versions) {
      absl::StrAppend(&line, " ", version.id().version, "=", version.DataOrDie());
    }
    return line;
  }

  Source<StoragePath>::AspiredVersionsCallback callback() {
    return
        [this](absl::string_view servable_name, std::vector<ServableData<StoragePath>> versions) {
          absl::MutexLock lock(&mu_);
          lines_.push_back(Line(servable_name, versions));
        };
  }
  // What was heard since the last call.
  std::vector<std::string> Take() {
    absl::MutexLock lock(&mu_);
    return std::exchange(lines_, {});
  }
  // Waits for so many, and takes them.
  std::vector<std::string> Await(size_t count) {
    const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return lines_.size() >= count; };
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&enough));
    return std::exchange(lines_, {});
  }

 private:
  absl::Mutex mu_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mu_);
};

inline FileSystemStoragePathSourceConfig::ServableToMonitor* AddServable(
    const std::string& name, const std::string& base_path,
    FileSystemStoragePathSourceConfig* config) {
  auto* const servable = config->add_servables();
  servable->set_servable_name(name);
  servable->set_base_path(base_path);
  return servable;
}

inline FileSystemStoragePathSourceConfig ConfigOf(
    int64_t poll_wait_seconds, const std::vector<std::pair<std::string, std::string>>& servables) {
  FileSystemStoragePathSourceConfig config;
  config.set_file_system_poll_wait_seconds(poll_wait_seconds);
  for (const auto& [name, base_path] : servables) AddServable(name, base_path, &config);
  return config;
}

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_STORAGE_PATH_TEST_SUPPORT_H_

// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/sources/storage_path/file_system_storage_path_source.h"

#include <algorithm>
#include <utility>

#include "absl/log/log.h"
#include "absl/strings/str_cat.h"
#include "tensorflow/core/platform/env.h"

namespace tensorflow {
namespace serving {
namespace {

using internal::ScanVersions;
using internal::VersionScan;
using std::chrono::steady_clock;

bool WantsVersionsAtStartup(const FileSystemStoragePathSourceConfig& config) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  return config.fail_if_zero_versions_at_startup() || config.servable_versions_always_present();
#pragma GCC diagnostic pop
}

void WarnOfRepeatedNames(const FileSystemStoragePathSourceConfig& config) {
  std::set<std::string> names;
  for (const auto& servable : config.servables()) {
    if (names.insert(servable.servable_name()).second) continue;
    LOG(WARNING) << "Servable " << servable.servable_name()
                 << " is configured more than once; the first entry counts";
  }
}

void Log(const std::vector<VersionScan::Report>& reports) {
  for (const VersionScan::Report& report : reports) LOG(LEVEL(report.severity)) << report.text;
}

void LogForDebugging(const VersionScan& scan, int64_t period) {
  for (const ServableData<StoragePath>& version : scan.versions) {
    VLOG(1) << "File-system polling update: Servable:" << version.id()
            << "; Servable path: " << version.DataOrDie() << "; Polling frequency: " << period;
  }
}

}  // namespace

absl::Status FileSystemStoragePathSource::Create(
    const FileSystemStoragePathSourceConfig& config,
    std::unique_ptr<FileSystemStoragePathSource>* result) {
  std::unique_ptr<FileSystemStoragePathSource> source(new FileSystemStoragePathSource());
  if (absl::Status status = source->UpdateConfig(config); !status.ok()) return status;
  *result = std::move(source);
  return absl::OkStatus();
}

FileSystemStoragePathSource::FileSystemStoragePathSource()
    : probing_env_(std::make_unique<TensorflowFileProbingEnv>(Env::Default())),
      scan_threads_(Env::Default(), "FileSystemStoragePathSource scan") {}

FileSystemStoragePathSource::~FileSystemStoragePathSource() {
  std::unique_ptr<Thread> polling_thread;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    polling_thread = std::move(polling_thread_);
  }
  outbox_.Close();
  polling_thread.reset();  // joins
}

absl::Status FileSystemStoragePathSource::UpdateConfig(
    const FileSystemStoragePathSourceConfig& config) {
  {
    absl::MutexLock lock(&mu_);
    if (absl::Status status = CheckPeriodIsKept(config); !status.ok()) return status;
  }
  if (WantsVersionsAtStartup(config)) {
    if (absl::Status status = CheckVersionsArePresent(config); !status.ok()) return status;
  }
  {
    absl::MutexLock lock(&mu_);
    // Polling may have started in the meantime.
    if (absl::Status status = CheckPeriodIsKept(config); !status.ok()) return status;
    ReplaceWatches(config);
    config_ = config;
  }
  WarnOfRepeatedNames(config);
  outbox_.Deliver();
  return absl::OkStatus();
}

absl::Status FileSystemStoragePathSource::CheckPeriodIsKept(
    const FileSystemStoragePathSourceConfig& config) const {
  if (polling_thread_ != nullptr &&
      config.file_system_poll_wait_seconds() != config_.file_system_poll_wait_seconds()) {
    return absl::InvalidArgumentError("Changing file_system_poll_wait_seconds is not supported");
  }
  return absl::OkStatus();
}

absl::Status FileSystemStoragePathSource::CheckVersionsArePresent(
    const FileSystemStoragePathSourceConfig& config) const {
  for (const Config::ServableToMonitor& servable : config.servables()) {
    const VersionScan scan = ScanVersions(servable, probing_env_.get());
    if (!scan.status.ok()) return scan.status;
    if (scan.versions.empty()) {
      return absl::NotFoundError(
          absl::StrCat("Unable to find a numerical version path for servable ",
                       servable.servable_name(), " at: ", servable.base_path()));
    }
  }
  return absl::OkStatus();
}

void FileSystemStoragePathSource::ReplaceWatches(const FileSystemStoragePathSourceConfig& config) {
  std::map<std::string, Watch> watches;
  for (const Config::ServableToMonitor& servable : config.servables()) {
    const auto [watch, first] = watches.try_emplace(servable.servable_name());
    if (!first) continue;
    const auto old = watches_.find(servable.servable_name());
    if (old != watches_.end() &&
        old->second.servable.SerializeAsString() == servable.SerializeAsString()) {
      watch->second = std::move(old->second);
    } else {
      watch->second.servable = servable;
      watch->second.generation = ++last_generation_;
      has_new_watches_ = true;
    }
  }
  watches_.swap(watches);
  for (const auto& [servable_name, old_watch] : watches) {
    if (watches_.count(servable_name) == 0) outbox_.Put(servable_name, {});
  }
}

void FileSystemStoragePathSource::SetAspiredVersionsCallback(AspiredVersionsCallback callback) {
  absl::ReleasableMutexLock lock(&mu_);
  if (polling_thread_ != nullptr) {
    lock.Release();
    LOG(DFATAL) << "SetAspiredVersionsCallback() called multiple times; ignoring this call";
    return;
  }
  outbox_.SetCallback(std::move(callback));
  const int64_t seconds = config_.file_system_poll_wait_seconds();
  if (seconds < 0) return;
  const absl::Duration period = seconds == 0 ? absl::InfiniteDuration() : absl::Seconds(seconds);
  polling_thread_.reset(Env::Default()->StartThread(ThreadOptions(), "FileSystemStoragePathSource",
                                                    [this, period] { PollUntilStopped(period); }));
}

FileSystemStoragePathSourceConfig FileSystemStoragePathSource::config() const {
  absl::MutexLock lock(&mu_);
  return config_;
}

absl::Status FileSystemStoragePathSource::PollFileSystemAndInvokeCallback() {
  absl::Status first_error;
  for (const Job& job : TakeJobs(/*only_new=*/false)) {
    VersionScan scan = ScanVersions(job.servable, probing_env_.get());
    first_error.Update(scan.status);
    Publish(job, std::move(scan));
  }
  return first_error;
}

void FileSystemStoragePathSource::SetAspiredVersionsCallbackNotifier(std::function<void()> fn) {
  outbox_.SetNotifier(std::move(fn));
}

void FileSystemStoragePathSource::PollUntilStopped(absl::Duration period) {
  SteadyTime last_poll = steady_clock::now();
  PollOnThreads(/*only_new=*/false);
  for (;;) {
    const absl::Duration since = absl::FromChrono(steady_clock::now() - last_poll);
    if (!AwaitWork(period - since)) return;
    PublishFound();
    const SteadyTime now = steady_clock::now();
    const bool due = absl::FromChrono(now - last_poll) >= period;
    if (due) last_poll = now;
    PollOnThreads(/*only_new=*/!due);
  }
}

// False when polling is over.
bool FileSystemStoragePathSource::AwaitWork(absl::Duration timeout) {
  const auto has_work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return stopping_ || has_new_watches_ || !found_.empty();
  };
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithTimeout(absl::Condition(&has_work), timeout);
  return !stopping_;
}

// One after the other, but a scan that takes long goes on beside those that follow.
void FileSystemStoragePathSource::PollOnThreads(bool only_new) {
  for (const Job& job : TakeJobs(only_new)) {
    Start(job);
    const auto is_over = [this, &job]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return stopping_ || scanning_.count(job.generation) == 0;
    };
    {
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(&is_over), patience_);
      if (stopping_) return;
    }
    PublishFound();
  }
}

void FileSystemStoragePathSource::Start(const Job& job) {
  {
    absl::MutexLock lock(&mu_);
    scanning_.insert(job.generation);
  }
  const auto found = std::make_shared<Found>(Found{job, {}});
  scan_threads_.Run(
      [this, found] { found->scan = ScanVersions(found->job.servable, probing_env_.get()); },
      [this, found] {
        absl::MutexLock lock(&mu_);
        scanning_.erase(found->job.generation);
        found_.push_back(std::move(*found));
      });
}

void FileSystemStoragePathSource::PublishFound() {
  std::vector<Found> found;
  {
    absl::MutexLock lock(&mu_);
    found.swap(found_);
  }
  for (Found& one : found) Publish(one.job, std::move(one.scan));
}

std::vector<FileSystemStoragePathSource::Job> FileSystemStoragePathSource::TakeJobs(bool only_new) {
  std::vector<Job> jobs;
  absl::MutexLock lock(&mu_);
  has_new_watches_ = false;
  for (auto& [servable_name, watch] : watches_) {
    if ((only_new && !watch.is_new) || scanning_.count(watch.generation) > 0) continue;
    watch.is_new = false;
    jobs.push_back({watch.servable, watch.generation});
  }
  return jobs;
}

void FileSystemStoragePathSource::Publish(const Job& job, VersionScan scan) {
  if (VLOG_IS_ON(1)) LogForDebugging(scan, config().file_system_poll_wait_seconds());
  const std::string& servable_name = job.servable.servable_name();
  std::vector<VersionScan::Report> news;
  {
    absl::MutexLock lock(&mu_);
    const auto watch = watches_.find(servable_name);
    if (watch == watches_.end() || watch->second.generation != job.generation) return;
    const bool never_unload = config_.servable_versions_always_present();
    if (scan.status.ok() && scan.versions.empty() && never_unload) {
      scan.reports.push_back(
          {absl::LogSeverity::kError,
           absl::StrCat("Refusing to unload all versions for Servable: ", servable_name)});
    }
    news = watch->second.News(scan);
    if (!scan.versions.empty() || (scan.none_wanted && !never_unload)) {
      outbox_.Put(servable_name, std::move(scan.versions));
    }
  }
  Log(news);
  outbox_.Deliver();
}

std::vector<VersionScan::Report> FileSystemStoragePathSource::Watch::News(const VersionScan& scan) {
  std::vector<VersionScan::Report> news;
  std::set<std::string> saying;
  for (const VersionScan::Report& report : scan.reports) {
    if (saying.insert(report.text).second && said.count(report.text) == 0) news.push_back(report);
  }
  said = std::move(saying);
  if (failed && scan.status.ok()) {
    news.push_back(
        {absl::LogSeverity::kInfo, absl::StrCat("Base path ", servable.base_path(), " of servable ",
                                                servable.servable_name(), " can be listed again")});
  }
  failed = !scan.status.ok();
  return news;
}

}  // namespace serving
}  // namespace tensorflow

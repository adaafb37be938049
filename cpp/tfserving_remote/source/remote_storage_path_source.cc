// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/remote_storage_path_source.h"

#include <random>
#include <thread>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {

static_assert(std::is_same<tensorflow::serving::StoragePath, std::string>::value,
              "a storage path is a URL in a string");

namespace {

std::function<double()> DefaultRandom() {
  struct State {
    absl::Mutex mu;
    std::mt19937_64 engine ABSL_GUARDED_BY(mu){std::random_device{}()};
  };
  return [state = std::make_shared<State>()] {
    absl::MutexLock lock(&state->mu);
    return std::uniform_real_distribution<double>(0.0, 1.0)(state->engine);
  };
}

}  // namespace

/// The thread of one servable.
class RemoteStoragePathSource::Poller {
 public:
  Poller(const Servable& servable, const PollOptions& poll, const LoadRetryOptions& retry,
         const SourceEnv& env, AspiredVersionsCallback callback)
      : name_(servable.config.name),
        clock_(env.clock),
        callback_(std::move(callback)),
        watch_(name_, servable.base,
               CompletenessRule{servable.config.manifest_mode, servable.config.contents}, poll,
               retry, env),
        thread_([this] { Run(); }) {}

  ~Poller() {
    Cancel();
    thread_.join();
    watch_.ForgetFailures();
  }

  /// The destructor waits the less, the earlier this was called.
  void Cancel() { cancellation_.Cancel(); }
  ServableSourceStatus status() const { return watch_.status(); }

 private:
  void Run() {
    for (;;) {
      ServableWatch::Outcome outcome = watch_.Poll(&cancellation_);
      if (outcome.aspired.has_value()) callback_(name_, *std::move(outcome.aspired));
      if (outcome.wait == absl::InfiniteDuration()) return;
      if (!clock_.SleepFor(outcome.wait, &cancellation_)) return;
    }
  }

  const std::string name_;
  Clock& clock_;
  const AspiredVersionsCallback callback_;
  Cancellation cancellation_;
  ServableWatch watch_;
  // Last: it uses the others from its first moment.
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<RemoteStoragePathSource>> RemoteStoragePathSource::Create(
    Options options, SourceEnv env) {
  if (absl::Status status = options.poll.Validate(); !status.ok()) return status;
  if (absl::Status status = options.retry.Validate(); !status.ok()) return status;
  absl::StatusOr<Servables> servables = Parse(options.servables);
  if (!servables.ok()) return std::move(servables).status();
  if (env.random == nullptr) env.random = DefaultRandom();
  return std::unique_ptr<RemoteStoragePathSource>(new RemoteStoragePathSource(
      std::move(options.poll), std::move(options.retry), std::move(env), *std::move(servables)));
}

RemoteStoragePathSource::RemoteStoragePathSource(PollOptions poll, LoadRetryOptions retry,
                                                 SourceEnv env, Servables servables)
    : poll_(std::move(poll)),
      retry_(std::move(retry)),
      env_(std::move(env)),
      servables_(std::move(servables)) {}

RemoteStoragePathSource::~RemoteStoragePathSource() {
  BeginChange();
  Pollers pollers;
  {
    absl::MutexLock lock(&mu_);
    pollers.swap(pollers_);
  }
  Stop(std::move(pollers));
}

void RemoteStoragePathSource::SetAspiredVersionsCallback(AspiredVersionsCallback callback) {
  BeginChange();
  bool again = false;
  {
    absl::MutexLock lock(&mu_);
    again = callback_ != nullptr;
    if (!again) {
      callback_ = std::move(callback);
      StartMissingPollers();
    }
  }
  if (again) {
    env_.log.Log(Severity::kError,
                 "SetAspiredVersionsCallback() called multiple times; ignoring this call");
  }
  EndChange();
}

absl::Status RemoteStoragePathSource::UpdateConfig(
    const std::vector<MonitoredServable>& servables) {
  absl::StatusOr<Servables> next = Parse(servables);
  if (!next.ok()) return std::move(next).status();
  BeginChange();
  AspiredVersionsCallback callback;
  std::vector<std::string> removed;
  Pollers outdated;
  {
    absl::MutexLock lock(&mu_);
    callback = callback_;
    for (const auto& [name, servable] : servables_) {
      if (next->count(name) == 0) removed.push_back(name);
    }
    outdated = TakeOutdated(*next);
    servables_ = *std::move(next);
  }
  Stop(std::move(outdated));
  if (callback != nullptr) {
    for (const std::string& name : removed) callback(name, {});
  }
  {
    absl::MutexLock lock(&mu_);
    StartMissingPollers();
  }
  EndChange();
  return absl::OkStatus();
}

std::vector<MonitoredServable> RemoteStoragePathSource::servables() const {
  std::vector<MonitoredServable> servables;
  absl::MutexLock lock(&mu_);
  for (const auto& [name, servable] : servables_) servables.push_back(servable.config);
  return servables;
}

std::vector<ServableSourceStatus> RemoteStoragePathSource::Snapshot() const {
  std::vector<ServableSourceStatus> snapshot;
  absl::MutexLock lock(&mu_);
  for (const auto& [name, servable] : servables_) {
    const auto poller = pollers_.find(name);
    if (poller != pollers_.end()) {
      snapshot.push_back(poller->second->status());
      continue;
    }
    ServableSourceStatus not_polled;
    not_polled.name = name;
    not_polled.base_path = servable.base.ToString();
    snapshot.push_back(std::move(not_polled));
  }
  return snapshot;
}

absl::StatusOr<RemoteStoragePathSource::Servables> RemoteStoragePathSource::Parse(
    const std::vector<MonitoredServable>& servables) {
  Servables parsed;
  for (const MonitoredServable& servable : servables) {
    if (servable.name.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the servable with base path ", servable.base_path, " has no name"));
    }
    absl::StatusOr<StorageUrl> base = StorageUrl::Parse(servable.base_path);
    if (!base.ok()) {
      return absl::Status(
          base.status().code(),
          absl::StrCat("base path of servable ", servable.name, ": ", base.status().message()));
    }
    if (!parsed.try_emplace(servable.name, Servable{servable, *std::move(base)}).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("servable ", servable.name, " is there twice; names must differ"));
    }
  }
  return parsed;
}

void RemoteStoragePathSource::BeginChange() {
  absl::MutexLock lock(&mu_);
  const auto free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !changing_; };
  mu_.Await(absl::Condition(&free));
  changing_ = true;
}

void RemoteStoragePathSource::EndChange() {
  absl::MutexLock lock(&mu_);
  changing_ = false;
}

RemoteStoragePathSource::Pollers RemoteStoragePathSource::TakeOutdated(const Servables& next) {
  Pollers outdated;
  for (const auto& [name, servable] : servables_) {
    const auto now = next.find(name);
    const bool same = now != next.end() && now->second.base == servable.base &&
                      now->second.config.manifest_mode == servable.config.manifest_mode &&
                      now->second.config.contents == servable.config.contents;
    if (same) continue;
    if (auto poller = pollers_.extract(name)) outdated.insert(std::move(poller));
  }
  return outdated;
}

void RemoteStoragePathSource::StartMissingPollers() {
  if (callback_ == nullptr || poll_.wait < absl::ZeroDuration()) return;
  for (const auto& [name, servable] : servables_) {
    std::unique_ptr<Poller>& poller = pollers_[name];
    if (poller == nullptr) {
      poller = std::make_unique<Poller>(servable, poll_, retry_, env_, callback_);
    }
  }
}

void RemoteStoragePathSource::Stop(Pollers pollers) {
  for (auto& [name, poller] : pollers) poller->Cancel();
  pollers.clear();
}

}  // namespace tfserving_remote

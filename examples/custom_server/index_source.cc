// SPDX-License-Identifier: Apache-2.0
#include "index_source.h"

#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/log/log.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "http_file.h"
#include "tfserving_remote/base/cancellation.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/policy/select_versions.h"

namespace example {
namespace {

using tensorflow::serving::ModelConfig;
using tensorflow::serving::ServableData;
using tensorflow::serving::ServableId;
using tensorflow::serving::StoragePath;
using tfserving_remote::VersionPolicy;

}  // namespace

absl::StatusOr<Index> ParseIndex(const std::string& index_url, absl::string_view text) {
  Index index;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = line.substr(0, line.find('#'));
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.empty()) continue;
    int64_t version = 0;
    if (words.size() != 2 || !absl::SimpleAtoi(words[0], &version) || version < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(index_url, " line ", number, ": not \"VERSION URL\""));
    }
    if (!index.emplace(version, ResolveUrl(index_url, words[1])).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(index_url, " line ", number, ": version ", version, " is there twice"));
    }
  }
  return index;
}

// Polls the index of one model.
class IndexSource::Watch {
 public:
  Watch(ModelConfig config, std::shared_ptr<tfserving_remote::HttpClient> http,
        absl::Duration poll_interval, AspiredVersionsCallback callback)
      : config_(std::move(config)),
        policy_(VersionPolicy::FromProto(config_.model_version_policy())),
        http_(std::move(http)),
        poll_interval_(poll_interval),
        callback_(std::move(callback)),
        thread_([this] { Run(); }) {}
  ~Watch() {
    stop_.Cancel();
    thread_.join();
  }

  bool Watches(const ModelConfig& config) const {
    return config.SerializeAsString() == config_.SerializeAsString();
  }

 private:
  void Run() {
    do {
      const absl::Status polled = Poll();
      if (!polled.ok() && polled != last_error_ && !stop_.cancelled()) {
        LOG(WARNING) << "model " << config_.name() << ": " << polled;
      }
      last_error_ = polled;
    } while (tfserving_remote::Clock::Real().SleepFor(poll_interval_, &stop_));
  }

  absl::Status Poll() {
    const absl::StatusOr<std::string> text = ReadHttpFile(*http_, config_.base_path(), &stop_);
    if (!text.ok()) return text.status();
    if (*text == last_text_) return absl::OkStatus();
    const absl::StatusOr<Index> index = ParseIndex(config_.base_path(), *text);
    if (!index.ok()) return index.status();
    callback_(config_.name(), Choose(*index));
    last_text_ = *text;
    return absl::OkStatus();
  }

  // The versions that the model's model_version_policy wants.
  std::vector<ServableData<StoragePath>> Choose(const Index& index) const {
    std::set<int64_t> known;
    for (const auto& [version, url] : index) known.insert(version);
    std::vector<ServableData<StoragePath>> chosen;
    for (const int64_t version : tfserving_remote::SelectVersions(policy_, known).selected) {
      chosen.emplace_back(ServableId{config_.name(), version}, index.at(version));
    }
    return chosen;
  }

  const ModelConfig config_;
  const VersionPolicy policy_;
  const std::shared_ptr<tfserving_remote::HttpClient> http_;
  const absl::Duration poll_interval_;
  const AspiredVersionsCallback callback_;
  tfserving_remote::Cancellation stop_;
  // The thread's own.
  std::optional<std::string> last_text_;
  absl::Status last_error_;
  std::thread thread_;  // last: it uses all of the above
};

IndexSource::IndexSource(std::shared_ptr<tfserving_remote::HttpClient> http,
                         absl::Duration poll_interval)
    : http_(std::move(http)), poll_interval_(poll_interval) {}

IndexSource::~IndexSource() = default;

absl::Status IndexSource::UpdateModels(const tensorflow::serving::ModelConfigList& models) {
  std::map<std::string, ModelConfig> wanted;
  for (const ModelConfig& config : models.config()) {
    const absl::Status status = CheckUrl(config.base_path());
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("model ", config.name(), ": base_path: ", status.message()));
    }
    wanted[config.name()] = config;
  }
  models_ = std::move(wanted);
  if (callback_) StartWatches();
  return absl::OkStatus();
}

void IndexSource::SetAspiredVersionsCallback(AspiredVersionsCallback callback) {
  callback_ = std::move(callback);
  StartWatches();
}

void IndexSource::StartWatches() {
  for (auto it = watches_.begin(); it != watches_.end();) {
    const std::string name = it->first;
    const auto model = models_.find(name);
    if (model != models_.end() && it->second->Watches(model->second)) {
      ++it;
      continue;
    }
    it = watches_.erase(it);
    if (model == models_.end()) callback_(name, {});
  }
  for (const auto& [name, config] : models_) {
    std::unique_ptr<Watch>& watch = watches_[name];
    if (watch == nullptr) {
      watch = std::make_unique<Watch>(config, http_, poll_interval_, callback_);
    }
  }
}

}  // namespace example

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/config_file_poller.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"
#include "tfserving_remote/server/model_config.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;

bool Same(const tfs::ModelServerConfig& a, const tfs::ModelServerConfig& b) {
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

}  // namespace

ConfigFilePoller::ConfigFilePoller(Options options, Clock& clock, LogSink& log)
    : options_(std::move(options)),
      clock_(clock),
      log_(log),
      applied_(options_.applied),
      thread_([this] { Work(); }) {}

ConfigFilePoller::~ConfigFilePoller() {
  stop_.Cancel();
  thread_.join();
}

void ConfigFilePoller::Work() {
  while (clock_.SleepFor(options_.wait, &stop_)) Poll();
}

void ConfigFilePoller::Poll() {
  tfs::ModelServerConfig config;
  if (absl::Status status = ReadTextProto(options_.path, &config); !status.ok()) {
    TellOnce(absl::StrCat("Failed to read ModelServerConfig file: ", status.message()));
    return;
  }
  // Also after a look that failed: what a call has changed since must not be undone by an old file.
  if (Same(config, applied_)) {
    refused_.Clear();
    told_.clear();
    return;
  }
  if (!Same(config, refused_)) told_.clear();
  if (absl::Status status = options_.apply(config); !status.ok()) {
    refused_ = std::move(config);
    TellOnce(absl::StrCat("PollFilesystemAndReloadConfig failed to ReloadConfig: ",
                          status.message(), "; tried again until it can be applied"));
    return;
  }
  applied_ = std::move(config);
  refused_.Clear();
  told_.clear();
}

void ConfigFilePoller::TellOnce(const std::string& what) {
  if (told_ == what) return;
  told_ = what;
  log_.Log(Severity::kError, what);
}

}  // namespace tfserving_remote

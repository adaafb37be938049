// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/reload_service.h"

#include <set>
#include <string>
#include <utility>

#include "tfserving_remote/server/unary_call.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;

absl::Status ShuttingDown() { return absl::UnavailableError("The server is shutting down."); }

absl::Status CheckRequest(const tfs::ReloadConfigRequest& request) {
  if (request.config().has_model_config_list()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is "
      "currently supported");
}

tfs::ReloadConfigResponse ResponseTo(const tfs::ReloadConfigRequest& request) {
  tfs::ReloadConfigResponse response;
  response.mutable_status();
  // There are no metrics yet; upstream, too, answers 0 for a name that it does not know.
  const std::set<std::string> names(request.metric_names().begin(), request.metric_names().end());
  for (const std::string& name : names) {
    response.add_metric()->set_name(name);
    response.mutable_metric()->rbegin()->set_int64_value_increase(0);
  }
  return response;
}

}  // namespace

ReloadService::ReloadService(Apply apply, Judge judge, Clock& clock)
    : apply_(std::move(apply)),
      judge_(std::move(judge)),
      clock_(clock),
      thread_([this] { Work(); }) {}

ReloadService::~ReloadService() { Stop(); }

void ReloadService::Stop() {
  {
    absl::MutexLock lock(&mu_);
    ending_ = true;
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void ReloadService::Register(GrpcServer& server) {
  server.Handle("/tensorflow.serving.ModelService/HandleReloadConfigRequest",
                [this](std::shared_ptr<GrpcCall> call) { Reload(std::move(call)); });
}

void ReloadService::Reload(std::shared_ptr<GrpcCall> call) {
  call->OnCancel([this] { Wake(); });
  absl::MutexLock lock(&mu_);
  new_calls_.push_back(std::move(call));
  something_happened_ = true;
}

void ReloadService::EndCalls() {
  absl::MutexLock lock(&mu_);
  ending_ = true;
  something_happened_ = true;
}

void ReloadService::Wake() {
  absl::MutexLock lock(&mu_);
  something_happened_ = true;
}

void ReloadService::Work() {
  const auto work_to_do = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return something_happened_ || stopping_;
  };
  for (;;) {
    std::deque<std::shared_ptr<GrpcCall>> new_calls;
    bool stopping = false;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(&work_to_do));
      new_calls.swap(new_calls_);
      something_happened_ = false;
      stopping = stopping_;
    }
    for (std::shared_ptr<GrpcCall>& call : new_calls) Begin(std::move(call));
    FinishDecided();
    if (stopping) return;
  }
}

void ReloadService::Begin(std::shared_ptr<GrpcCall> call) {
  {
    absl::MutexLock lock(&mu_);
    if (ending_) {
      call->Finish(ShuttingDown());
      return;
    }
  }
  tfs::ReloadConfigRequest request;
  Waiting waiting;
  absl::Status status = BeginUnaryCall(*call, clock_, &request);
  if (status.ok()) status = CheckRequest(request);
  if (status.ok()) {
    status = CatchExceptions([&] { return apply_(request.config(), &waiting.models); });
  }
  if (!status.ok()) {
    call->Finish(TruncateMessage(status));
    return;
  }
  waiting.call = std::move(call);
  waiting.response = ResponseTo(request);
  waiting_.push_back(std::move(waiting));
}

void ReloadService::FinishDecided() {
  bool ending = false;
  {
    absl::MutexLock lock(&mu_);
    ending = ending_;
  }
  for (auto waiting = waiting_.begin(); waiting != waiting_.end();) {
    absl::Status status = judge_(waiting->models);
    const bool undecided = absl::IsDeadlineExceeded(status);
    if (undecided && !ending && !waiting->call->cancelled()) {
      ++waiting;
      continue;
    }
    if (undecided && ending) status = ShuttingDown();
    FinishUnaryCall(*waiting->call, clock_, status, waiting->response);
    waiting = waiting_.erase(waiting);
  }
}

}  // namespace tfserving_remote

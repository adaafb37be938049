// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/health_service.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

std::vector<GrpcSlice> Message(Health::Status status) {
  HealthCheckResponse response;
  response.set_status(status);
  std::vector<GrpcSlice> slices;
  slices.push_back(GrpcSlice::Of(response.SerializeAsString()));
  return slices;
}

// False after it has ended the call.
bool ReadRequest(GrpcCall& call, HealthCheckRequest* request) {
  if (request->ParseFromArray(call.request().data(), static_cast<int>(call.request().size()))) {
    return true;
  }
  call.Finish(absl::InternalError("The request is no grpc.health.v1.HealthCheckRequest."));
  return false;
}

}  // namespace

void HealthService::Register(GrpcServer& server) {
  server.Handle("/grpc.health.v1.Health/Check",
                [this](std::shared_ptr<GrpcCall> call) { Check(*call); });
  server.Handle("/grpc.health.v1.Health/Watch",
                [this](std::shared_ptr<GrpcCall> call) { Watch(std::move(call)); });
}

void HealthService::Check(GrpcCall& call) const {
  HealthCheckRequest request;
  if (!ReadRequest(call, &request)) return;
  const Health::Status status = health_.Of(request.service());
  if (status == HealthCheckResponse::SERVICE_UNKNOWN) {
    call.Finish(absl::NotFoundError(
        absl::StrCat("\"", request.service(), "\" is neither a service nor a configured model")));
    return;
  }
  call.Write(Message(status), nullptr);
  call.Finish(absl::OkStatus());
}

void HealthService::Watch(std::shared_ptr<GrpcCall> call) {
  HealthCheckRequest request;
  if (!ReadRequest(*call, &request)) return;
  auto watcher = std::make_shared<Watcher>();
  watcher->call = call;
  watcher->service = request.service();
  {
    absl::MutexLock lock(&mu_);
    watchers_.insert(watcher);
  }
  // Weak: the call keeps the callback, and the watcher the call.
  call->OnCancel([this, weak = std::weak_ptr<Watcher>(watcher)] {
    if (const std::shared_ptr<Watcher> gone = weak.lock()) Remove(gone);
  });
  Pump(watcher);
}

void HealthService::HealthChanged() {
  for (const std::shared_ptr<Watcher>& watcher : Watchers()) Pump(watcher);
}

void HealthService::EndWatches() {
  {
    absl::MutexLock lock(&mu_);
    ending_ = true;
  }
  HealthChanged();
}

void HealthService::Pump(const std::shared_ptr<Watcher>& watcher) {
  bool ends = false;
  Health::Status status;
  {
    absl::MutexLock lock(&mu_);
    if (watcher->writing || watchers_.count(watcher) == 0) return;
    status = health_.Of(watcher->service);
    if (watcher->sent == status) {
      if (!ending_) return;
      ends = true;
      watchers_.erase(watcher);
    } else {
      watcher->sent = status;
      watcher->writing = true;
    }
  }
  if (ends) {
    watcher->call->Finish(absl::UnavailableError("The server is shutting down."));
    return;
  }
  watcher->call->Write(Message(status), [this, watcher](bool sent) { Written(watcher, sent); });
}

void HealthService::Written(const std::shared_ptr<Watcher>& watcher, bool sent) {
  {
    absl::MutexLock lock(&mu_);
    watcher->writing = false;
  }
  if (sent) {
    Pump(watcher);
  } else {
    Remove(watcher);
  }
}

void HealthService::Remove(const std::shared_ptr<Watcher>& watcher) {
  absl::MutexLock lock(&mu_);
  watchers_.erase(watcher);
}

std::vector<std::shared_ptr<HealthService::Watcher>> HealthService::Watchers() const {
  absl::MutexLock lock(&mu_);
  return {watchers_.begin(), watchers_.end()};
}

}  // namespace tfserving_remote

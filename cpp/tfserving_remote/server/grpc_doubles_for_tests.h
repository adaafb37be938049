// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_GRPC_DOUBLES_FOR_TESTS_H_
#define TFSERVING_REMOTE_SERVER_GRPC_DOUBLES_FOR_TESTS_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "google/protobuf/message.h"
#include "tfserving_remote/net/grpc_server.h"

namespace tfserving_remote {

/// A call without a network: keeps what the service sends, and lets the test cancel it.
///
/// Threads:  safe to call from any thread.
class InMemoryCall final : public GrpcCall {
 public:
  explicit InMemoryCall(const google::protobuf::Message& request,
                        absl::Time deadline = absl::InfiniteFuture())
      : request_(request.SerializeAsString()), deadline_(deadline) {}
  explicit InMemoryCall(std::string bytes)
      : request_(std::move(bytes)), deadline_(absl::InfiniteFuture()) {}

  absl::string_view method() const override { return "/test"; }
  absl::string_view request() const override { return request_; }
  absl::string_view metadata(absl::string_view) const override { return ""; }
  absl::string_view peer() const override { return "in memory"; }
  absl::Time deadline() const override { return deadline_; }

  bool cancelled() const override {
    absl::MutexLock lock(&mu_);
    return cancelled_;
  }
  void OnCancel(std::function<void()> on_cancel) override {
    {
      absl::MutexLock lock(&mu_);
      if (!cancelled_) {
        on_cancel_.push_back(std::move(on_cancel));
        return;
      }
    }
    on_cancel();
  }
  void Write(std::vector<GrpcSlice> message, std::function<void(bool)> done) override {
    std::string bytes;
    for (const GrpcSlice& slice : message) bytes.append(slice.data, slice.size);
    {
      absl::MutexLock lock(&mu_);
      messages_.push_back(std::move(bytes));
      if (hold_writes_) {
        held_ = std::move(done);
        return;
      }
    }
    if (done) done(true);
  }
  void Finish(const absl::Status& status) override {
    absl::MutexLock lock(&mu_);
    if (!status_.has_value()) status_ = status;
  }

  void Cancel() {
    std::vector<std::function<void()>> callbacks;
    {
      absl::MutexLock lock(&mu_);
      cancelled_ = true;
      callbacks.swap(on_cancel_);
    }
    for (const std::function<void()>& callback : callbacks) callback();
  }
  /// From now on messages stay on their way until ReleaseWrite.
  void HoldWrites() {
    absl::MutexLock lock(&mu_);
    hold_writes_ = true;
  }
  void ReleaseWrite() {
    std::function<void(bool)> done;
    {
      absl::MutexLock lock(&mu_);
      done.swap(held_);
    }
    if (done) done(true);
  }

  std::vector<std::string> messages() const {
    absl::MutexLock lock(&mu_);
    return messages_;
  }
  /// Nothing while the call runs.
  std::optional<absl::Status> status() const {
    absl::MutexLock lock(&mu_);
    return status_;
  }
  /// Waits for the end of the call.
  absl::Status AwaitStatus() const {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(
        +[](const std::optional<absl::Status>* status) { return status->has_value(); }, &status_));
    return *status_;
  }

 private:
  const std::string request_;
  const absl::Time deadline_;

  mutable absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  bool hold_writes_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::function<void()>> on_cancel_ ABSL_GUARDED_BY(mu_);
  std::function<void(bool)> held_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> messages_ ABSL_GUARDED_BY(mu_);
  std::optional<absl::Status> status_ ABSL_GUARDED_BY(mu_);
};

/// A server without ports: calls the handlers that were added to it.
class InMemoryServer final : public GrpcServer {
 public:
  void Handle(std::string method, GrpcHandler handler) override {
    handlers_[std::move(method)] = std::move(handler);
  }
  absl::Status Start() override { return absl::OkStatus(); }
  int port() const override { return 0; }
  bool Drain(absl::Time) override { return true; }

  /// Starts a call; an unknown method ends it as UNIMPLEMENTED.
  void Call(const std::string& method, std::shared_ptr<GrpcCall> call) const {
    const auto handler = handlers_.find(method);
    if (handler == handlers_.end()) {
      call->Finish(absl::UnimplementedError(method));
    } else {
      handler->second(std::move(call));
    }
  }

 private:
  std::map<std::string, GrpcHandler> handlers_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_GRPC_DOUBLES_FOR_TESTS_H_

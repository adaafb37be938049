// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/grpc_stream.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/net/h2_session.h"

namespace tfserving_remote {

GrpcStream::GrpcStream(H2Session* session, int32_t id,
                       std::shared_ptr<const GrpcCallEnvironment> environment)
    : id_(id),
      environment_(std::move(environment)),
      head_(environment_->options->max_metadata_bytes),
      session_(session) {}

void GrpcStream::OnCancel(std::function<void()> on_cancel) {
  {
    absl::MutexLock lock(&mu_);
    if (!ended_) {
      on_cancel_.push_back(std::move(on_cancel));
      return;
    }
  }
  if (cancelled()) on_cancel();
}

void GrpcStream::Write(std::vector<GrpcSlice> message, std::function<void(bool)> done) {
  bool ended;
  {
    absl::MutexLock lock(&mu_);
    ended = ended_;
  }
  if (ended) {
    if (done != nullptr) done(false);
  } else if (environment_->loop->on_loop_thread()) {
    WriteOnLoop(std::move(message), std::move(done));
  } else {
    environment_->loop->Post([self = shared_from_this(), message = std::move(message),
                              done = std::move(done)]() mutable {
      self->WriteOnLoop(std::move(message), std::move(done));
    });
  }
}

void GrpcStream::Finish(const absl::Status& status) {
  // Destroyed outside the lock: they may own anything.
  std::vector<std::function<void()>> not_needed;
  {
    absl::MutexLock lock(&mu_);
    if (ended_) return;
    ended_ = true;
    not_needed.swap(on_cancel_);
  }
  if (environment_->loop->on_loop_thread()) {
    FinishOnLoop(status);
  } else {
    environment_->loop->Post([self = shared_from_this(), status] { self->FinishOnLoop(status); });
  }
}

void GrpcStream::Cancel() {
  std::vector<std::function<void()>> callbacks;
  {
    absl::MutexLock lock(&mu_);
    if (ended_) return;
    ended_ = true;
    cancelled_.store(true, std::memory_order_release);
    callbacks.swap(on_cancel_);
  }
  for (auto& callback : callbacks) callback();
}

void GrpcStream::OnHeaders() {
  verdict_ = head_.Judge();
  // Who does not speak gRPC is answered in plain HTTP, after the request.
  if (verdict_.http_status != 200) return;
  if (!verdict_.status.ok()) {
    Finish(verdict_.status);
    return;
  }
  const auto found = environment_->handlers->find(head_.path());
  if (found == environment_->handlers->end()) {
    Finish(absl::UnimplementedError(absl::StrCat("unknown method ", head_.path())));
    return;
  }
  handler_ = &found->second;
  reader_ = std::make_unique<GrpcMessageReader>(head_.encoding(),
                                                environment_->options->max_request_bytes);
  const absl::Duration timeout = head_.timeout();
  if (timeout != absl::InfiniteDuration()) {
    deadline_ = Clock::Real().Now() + timeout;
    session_->SetDeadline(id_, timeout);
  }
}

void GrpcStream::AnswerNotGrpc() {
  {
    absl::MutexLock lock(&mu_);
    ended_ = true;
  }
  finishing_ = true;
  plain_answer_ = true;
  queue_.push_back(OutgoingMessage::Plain(absl::StrCat(verdict_.status.message(), "\n")));
  session_->RespondNotGrpc(id_, verdict_.http_status);
}

void GrpcStream::OnData(absl::string_view chunk) {
  if (finishing_ || reader_ == nullptr) return;
  absl::Status status = reader_->Consume(chunk);
  if (!status.ok()) {
    Finish(status);
  } else if (!widened_ && reader_->announced_bytes() > 0) {
    widened_ = true;
    session_->WidenWindow(id_, reader_->announced_bytes());
  }
}

void GrpcStream::OnRequestEnd() {
  if (verdict_.http_status != 200) {
    AnswerNotGrpc();
    return;
  }
  if (finishing_ || reader_ == nullptr) return;
  absl::Status status = reader_->Finish();
  if (!status.ok()) {
    Finish(status);
    return;
  }
  session_->MarkReady(shared_from_this());
}

void GrpcStream::RunHandler() {
  if (session_ != nullptr && !finishing_) (*handler_)(shared_from_this());
}

void GrpcStream::WriteOnLoop(std::vector<GrpcSlice> message, std::function<void(bool)> done) {
  if (session_ == nullptr || finishing_) {
    if (done != nullptr) done(false);
    return;
  }
  const uint64_t size = OutgoingMessage::SizeOf(message);
  if (size > std::numeric_limits<uint32_t>::max()) {
    Finish(absl::ResourceExhaustedError(
        absl::StrCat("the response message of ", size, " bytes is longer than gRPC allows")));
    if (done != nullptr) done(false);
    return;
  }
  queue_.push_back(OutgoingMessage::Framed(std::move(message), std::move(done)));
  if (response_started_) {
    session_->Resume(id_);
  } else {
    response_started_ = true;
    session_->Respond(id_);
  }
}

void GrpcStream::FinishOnLoop(const absl::Status& status) {
  if (session_ == nullptr || finishing_) return;
  finishing_ = true;
  final_status_ = status;
  if (!status.ok()) DropUnsent(/*keep_started=*/true);
  if (!response_started_) {
    session_->RespondTrailersOnly(id_, status, verdict_.name_encodings);
  } else if (queue_.empty()) {
    session_->SubmitTrailers(id_, status);
  } else {
    session_->Resume(id_);  // the last message brings the trailers
  }
}

void GrpcStream::DropUnsent(bool keep_started) {
  std::deque<OutgoingMessage> dropped;
  dropped.swap(queue_);
  if (keep_started && !dropped.empty() && dropped.front().started()) {
    queue_.push_back(std::move(dropped.front()));
    dropped.pop_front();
  }
  for (OutgoingMessage& message : dropped) {
    if (auto done = message.TakeDone()) done(false);
  }
}

GrpcStream::Supply GrpcStream::PrepareData(size_t max) {
  Supply supply;
  supply.wait = queue_.empty();
  if (supply.wait) return supply;
  // A frame never holds parts of two messages, so that an unstarted one can still be dropped.
  OutgoingMessage& front = queue_.front();
  front.MarkStarted();
  supply.bytes = static_cast<size_t>(std::min<uint64_t>(max, front.remaining()));
  supply.last = finishing_ && queue_.size() == 1 && supply.bytes == front.remaining();
  return supply;
}

void GrpcStream::EmitData(size_t bytes, SendQueue* out) {
  queue_.front().Emit(bytes, out);
  if (queue_.front().remaining() == 0) queue_.pop_front();
}

void GrpcStream::Abort(const absl::Status& status) {
  const std::shared_ptr<GrpcStream> self = shared_from_this();
  const bool cut = finishing_ || (!queue_.empty() && queue_.front().started());
  Cancel();
  // Trailers cannot follow half a message.
  if (cut && session_ != nullptr) session_->Reset(id_);
  FinishOnLoop(status);
}

void GrpcStream::OnClosed() {
  session_ = nullptr;
  Cancel();
  DropUnsent(/*keep_started=*/false);
}

}  // namespace tfserving_remote

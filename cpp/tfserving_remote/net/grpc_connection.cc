// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/grpc_connection.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <random>
#include <utility>

namespace tfserving_remote {
namespace {

using Time = GrpcConnection::Time;

// A peer that has not finished TLS and HTTP/2's greeting by then is not a gRPC client.
constexpr std::chrono::seconds kGreetingTimeout{20};
// Between the two GOAWAYs, unless the peer answers sooner that it saw the first.
constexpr std::chrono::seconds kShutdownNotice{1};
// For the peer to read the last bytes and close its side.
constexpr std::chrono::seconds kLinger{1};
// One connection's share of the thread before others get their turn.
constexpr size_t kReadShare = 1 << 20;
// Likewise for writing: a stream of messages to a fast reader need never end.
constexpr size_t kWriteShare = 8 << 20;
// Answers wait for one another this long at most, to leave in one write.
constexpr std::chrono::microseconds kMaxGathering{200};
// Answers to control frames that the peer does not read: no more is read from it either.
constexpr size_t kMaxBacklog = 4096;
constexpr size_t kMaxPieces = 64;

Time Now() { return std::chrono::steady_clock::now(); }

Time After(Time start, absl::Duration duration) {
  // Years ahead is never; it also keeps steady time from overflowing.
  if (duration > absl::Hours(24 * 365)) return Time::max();
  return start + absl::ToChronoNanoseconds(duration);
}

// Connections that were opened together should not all be renewed together.
absl::Duration Jittered(absl::Duration age) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return age * std::uniform_real_distribution<double>(0.9, 1.1)(random);
}

}  // namespace

GrpcConnection::GrpcConnection(Socket socket, std::shared_ptr<SSL_CTX> tls,
                               std::shared_ptr<const GrpcCallEnvironment> environment,
                               std::function<void(GrpcConnection*)> on_closed)
    : environment_(std::move(environment)),
      tls_(std::move(tls)),
      started_(Now()),
      retire_at_(After(started_, Jittered(environment_->options->max_connection_age))),
      on_closed_(std::move(on_closed)),
      socket_(std::move(socket)),
      timer_(environment_->loop->context()),
      last_received_(started_) {}

void GrpcConnection::Start() {
  if (phase_ == Phase::kClosed) return;
  boost::system::error_code error;
  socket_.non_blocking(true, error);
  const int fd = socket_.native_handle();
  stream_ = tls_ == nullptr ? MakePlainStream(fd) : MakeTlsStream(fd, tls_.get());
  session_ = H2Session::Create(environment_, this);
  if (error || stream_ == nullptr || session_ == nullptr) {
    Close();
    return;
  }
  Handshake();
}

void GrpcConnection::Handshake() {
  switch (stream_->Handshake()) {
    case IoState::kDone:
      phase_ = Phase::kServing;
      ping_due_ = After(Now(), environment_->options->keepalive_time);
      OnReadable();  // our own greeting leaves with the answers
      return;
    case IoState::kWantRead:
      WaitReadable();
      break;
    case IoState::kWantWrite:
      WaitWritable();
      break;
    default:
      Close();
      return;
  }
  ArmTimer();
}

// --- reading and writing
// --------------------------------------------------------------------------

void GrpcConnection::OnReadable() {
  in_turn_ = true;
  const bool emptied = ReadTurn();
  in_turn_ = false;
  if (phase_ == Phase::kClosed) return;
  // Before Flush, which would else wait for the same bytes a second time, and so for ever.
  read_waiting_ = !emptied;
  Flush();
  if (phase_ == Phase::kClosed) return;
  if (emptied) {
    WaitReadable();
  } else {
    boost::asio::post(environment_->loop->context(), [self = shared_from_this()] {
      self->read_waiting_ = false;
      if (self->phase_ != Phase::kClosed) self->OnReadable();
      self->environment_->loop->FinishBatch();
    });
  }
}

bool GrpcConnection::ReadTurn() {
  const absl::Span<char> buffer = environment_->loop->read_buffer();
  for (size_t share = 0; share < kReadShare;) {
    const IoResult result = stream_->Read(buffer);
    if (result.state == IoState::kEnd || result.state == IoState::kFailed) {
      Close();
      return true;
    }
    if (result.state == IoState::kWantWrite) WaitWritable();
    if (result.state != IoState::kDone) return true;
    share += result.bytes;
    last_received_ = Now();
    answer_due_ = Time::max();
    if (phase_ == Phase::kServing &&
        !session_->Receive({buffer.data(), result.bytes}, last_received_)) {
      BeginClosing();
    }
    RunCalls();
    if (phase_ == Phase::kClosed) return true;
    if (!stream_->HoldsInput() && result.bytes < buffer.size()) return true;
  }
  return false;
}

void GrpcConnection::RunCalls() {
  Time since = last_received_;
  while (phase_ == Phase::kServing && session_->RunNextCall()) {
    if (Now() - since < kMaxGathering) continue;
    Flush();
    since = Now();
  }
}

void GrpcConnection::OnSessionDirty() {
  if (in_turn_ || flushing_ || flush_due_) return;
  flush_due_ = true;
  environment_->loop->AfterBatch([self = shared_from_this()] {
    self->flush_due_ = false;
    self->Flush();
  });
}

void GrpcConnection::Flush() {
  if (flushing_ || phase_ == Phase::kHandshake || phase_ == Phase::kClosed) return;
  flushing_ = true;
  const bool all_sent = WriteQueued();
  flushing_ = false;
  if (phase_ == Phase::kClosed) return;
  if (all_sent && phase_ == Phase::kServing && session_->finished()) BeginClosing();
  if (all_sent && phase_ == Phase::kClosing) {
    phase_ = Phase::kLingering;
    stream_->CloseWrite();
    close_due_ = Now() + kLinger;
  }
  WaitReadable();
  ArmTimer();
}

void GrpcConnection::FlushLater() {
  if (flush_due_) return;
  flush_due_ = true;
  boost::asio::post(environment_->loop->context(), [self = shared_from_this()] {
    self->flush_due_ = false;
    self->Flush();
    self->environment_->loop->FinishBatch();
  });
}

bool GrpcConnection::WriteQueued() {
  std::vector<SendQueue::Done> due;
  size_t share = 0;
  for (;;) {
    if (share >= kWriteShare) {
      FlushLater();
      return false;
    }
    if (phase_ != Phase::kLingering && !session_->Produce(&out_)) {
      Close();
      return false;
    }
    if (out_.empty()) return true;
    iovec pieces[kMaxPieces];
    const IoResult result = stream_->Write(pieces, out_.Peek(pieces, kMaxPieces));
    if (result.state == IoState::kDone) {
      share += result.bytes;
      out_.Consume(result.bytes, &due);
      for (auto& done : due) done(true);
      due.clear();
    } else if (result.state == IoState::kWantWrite) {
      WaitWritable();
      return false;
    } else if (result.state == IoState::kWantRead) {
      return false;  // the next Read brings it on
    } else {
      Close();
      return false;
    }
  }
}

void GrpcConnection::WaitReadable() {
  if (read_waiting_ || in_turn_) return;
  const bool too_much_unsent = phase_ == Phase::kServing && session_->backlog() > kMaxBacklog;
  if (too_much_unsent && write_waiting_) return;
  read_waiting_ = true;
  socket_.async_wait(Socket::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->read_waiting_ = false;
                       if (error || self->phase_ == Phase::kClosed) return;
                       if (self->phase_ == Phase::kHandshake) {
                         self->Handshake();
                       } else {
                         self->OnReadable();
                       }
                       self->environment_->loop->FinishBatch();
                     });
}

void GrpcConnection::WaitWritable() {
  if (write_waiting_) return;
  write_waiting_ = true;
  socket_.async_wait(Socket::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->write_waiting_ = false;
                       if (error || self->phase_ == Phase::kClosed) return;
                       if (self->phase_ == Phase::kHandshake) {
                         self->Handshake();
                       } else {
                         self->Flush();
                       }
                       self->environment_->loop->FinishBatch();
                     });
}

// --- ends
// -----------------------------------------------------------------------------------------

void GrpcConnection::Drain() {
  if (phase_ == Phase::kHandshake) {
    Close();
  } else if (phase_ == Phase::kServing && draining_ == Draining::kNo) {
    draining_ = Draining::kAnnounced;
    shutdown_due_ = Now() + kShutdownNotice;
    session_->AnnounceShutdown();
  }
}

void GrpcConnection::OnShutdownSeen() {
  if (draining_ == Draining::kAnnounced) FinishShutdown();
}

void GrpcConnection::FinishShutdown() {
  draining_ = Draining::kFinal;
  shutdown_due_ = Time::max();
  session_->Shutdown();
}

size_t GrpcConnection::Cut(const absl::Status& status) {
  if (phase_ == Phase::kHandshake) Close();
  if (phase_ != Phase::kServing) return 0;
  in_turn_ = true;
  const size_t cut = session_->AbortCalls(status);
  if (draining_ != Draining::kFinal) FinishShutdown();
  in_turn_ = false;
  BeginClosing();
  Flush();
  return cut;
}

void GrpcConnection::BeginClosing() {
  phase_ = Phase::kClosing;
  close_due_ = Now() + kLinger;
}

void GrpcConnection::Close() {
  if (phase_ == Phase::kClosed) return;
  const std::shared_ptr<GrpcConnection> self = shared_from_this();
  phase_ = Phase::kClosed;
  timer_.cancel();
  session_.reset();
  std::vector<SendQueue::Done> failed;
  out_.Clear(&failed);
  for (auto& done : failed) done(false);
  stream_.reset();
  boost::system::error_code ignored;
  socket_.close(ignored);
  on_closed_(this);
}

// --- time
// -----------------------------------------------------------------------------------------

Time GrpcConnection::NextWakeUp() const {
  if (phase_ == Phase::kClosing || phase_ == Phase::kLingering) return close_due_;
  if (!session_->established()) return std::min(started_ + kGreetingTimeout, shutdown_due_);
  return std::min({session_->next_deadline(), std::min(ping_due_, answer_due_), shutdown_due_,
                   draining_ == Draining::kNo ? retire_at_ : Time::max()});
}

void GrpcConnection::ArmTimer() {
  if (phase_ == Phase::kClosed) return;
  // A timer that fires too early finds nothing to do and is set again: cheaper than setting it anew
  // for every byte and call.
  const Time next = NextWakeUp();
  if (next >= armed_for_) return;
  armed_for_ = next;
  timer_.expires_at(next);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error || self->phase_ == Phase::kClosed) return;
    self->OnTimer(Now());
    self->environment_->loop->FinishBatch();
  });
}

void GrpcConnection::OnTimer(Time now) {
  armed_for_ = Time::max();
  const bool too_slow = !session_->established() && now >= started_ + kGreetingTimeout;
  if (now >= close_due_ || now >= answer_due_ || too_slow) {
    Close();
    return;
  }
  in_turn_ = true;
  session_->ExpireDeadlines(now);
  CheckKeepalive(now);
  if (now >= retire_at_) Drain();
  if (now >= shutdown_due_) FinishShutdown();
  in_turn_ = false;
  Flush();
  ArmTimer();
}

void GrpcConnection::CheckKeepalive(Time now) {
  if (now < ping_due_ || phase_ != Phase::kServing) return;
  const GrpcServerOptions& options = *environment_->options;
  ping_due_ = After(last_received_, options.keepalive_time);
  if (now < ping_due_) return;
  ping_due_ = After(now, options.keepalive_time);
  answer_due_ = After(now, options.keepalive_timeout);
  session_->Ping();
}

}  // namespace tfserving_remote

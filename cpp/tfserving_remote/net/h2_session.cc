// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/h2_session.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/net/grpc_wire.h"
#include "tfserving_remote/net/h2_callbacks.h"

namespace tfserving_remote {
namespace {

// The usual request fits without a window update; a long message gets more once its length is
// known.
constexpr int32_t kStreamWindow = 1 << 20;
constexpr int32_t kMaxStreamWindow = 16 << 20;
constexpr int32_t kConnectionWindow = 64 << 20;
// Enough for one gathered write to keep a fast network busy. More is pulled when this has left.
constexpr size_t kSendQueueBytes = 1 << 20;
// A peer that sends this many times the allowed metadata gets no answer but a reset.
constexpr uint64_t kHopelessMetadataFactor = 4;

constexpr uint8_t kShutdownPing[8] = {'s', 'h', 'u', 't', 'd', 'o', 'w', 'n'};

constexpr uint8_t kNoCopy = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;

nghttp2_nv Field(absl::string_view name, absl::string_view value, uint8_t flags = kNoCopy) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          flags};
}

absl::string_view CodeText(absl::StatusCode code) {
  static constexpr absl::string_view kTexts[] = {"0", "1",  "2",  "3",  "4",  "5",  "6",  "7", "8",
                                                 "9", "10", "11", "12", "13", "14", "15", "16"};
  const auto index = static_cast<size_t>(code);
  return kTexts[index < 17 ? index : 2];
}

// grpc-status and, when there is something to say, grpc-message.
void AppendStatus(const absl::Status& status, const std::string& message,
                  std::vector<nghttp2_nv>* fields) {
  fields->push_back(Field("grpc-status", CodeText(status.code())));
  if (message.empty()) return;
  // Messages seldom repeat: kept out of the compression table.
  fields->push_back(
      Field("grpc-message", message, NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_INDEX));
}

}  // namespace

std::unique_ptr<H2Session> H2Session::Create(std::shared_ptr<const GrpcCallEnvironment> environment,
                                             Host* host) {
  std::unique_ptr<H2Session> session(new H2Session(std::move(environment), host));
  return session->Open() ? std::move(session) : nullptr;
}

bool H2Session::Open() {
  if (H2Callbacks::Get() == nullptr || H2Callbacks::Options() == nullptr) return false;
  if (nghttp2_session_server_new2(&session_, H2Callbacks::Get(), this, H2Callbacks::Options()) !=
      0) {
    return false;
  }
  const GrpcServerOptions& options = *environment_->options;
  const auto metadata = static_cast<uint32_t>(
      std::min<uint64_t>(options.max_metadata_bytes, std::numeric_limits<int32_t>::max()));
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, metadata}};
  return nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings)) == 0 &&
         nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow) ==
             0;
}

H2Session::~H2Session() {
  auto streams = std::move(streams_);
  streams_.clear();
  for (auto& [id, stream] : streams) stream->OnClosed();
  nghttp2_session_del(session_);
}

bool H2Session::Receive(absl::string_view bytes, Time now) {
  now_ = now;
  const ssize_t taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken >= 0) return true;
  if (!terminating_) {
    terminating_ = true;
    const bool flooded = taken == NGHTTP2_ERR_FLOODED;
    nghttp2_session_terminate_session(session_,
                                      flooded ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
  }
  return false;
}

bool H2Session::Produce(SendQueue* out) {
  out_ = out;
  while (out->size() < kSendQueueBytes) {
    const uint8_t* frame = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &frame);
    if (size < 0) return false;
    if (size == 0) break;
    out->Copy({reinterpret_cast<const char*>(frame), static_cast<size_t>(size)});
  }
  return true;
}

bool H2Session::finished() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

void H2Session::Ping() {
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  host_->OnSessionDirty();
}

void H2Session::AnnounceShutdown() {
  nghttp2_submit_shutdown_notice(session_);
  // An answer to an earlier ping must not pass for one to this.
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kShutdownPing);
  host_->OnSessionDirty();
}

void H2Session::Shutdown() {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  host_->OnSessionDirty();
}

size_t H2Session::AbortCalls(const absl::Status& status) {
  const auto streams = streams_;
  for (const auto& [id, stream] : streams) stream->Abort(status);
  return streams.size();
}

void H2Session::SetDeadline(int32_t id, absl::Duration timeout) {
  // Beyond this, steady time would overflow; nobody waits so long.
  const absl::Duration bounded = std::min(timeout, absl::Hours(24 * 365));
  const Time when = now_ + absl::ToChronoNanoseconds(bounded);
  deadline_of_[id] = when;
  deadlines_.emplace(when, id);
}

void H2Session::ExpireDeadlines(Time now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const int32_t id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    deadline_of_.erase(id);
    GrpcStream* stream = Find(id);
    if (stream != nullptr) stream->Abort(absl::DeadlineExceededError("the call's deadline passed"));
  }
}

bool H2Session::RunNextCall() {
  if (ready_.empty()) return false;
  const std::shared_ptr<GrpcStream> stream = std::move(ready_.front());
  ready_.pop_front();
  stream->RunHandler();
  return true;
}

GrpcStream* H2Session::Find(int32_t id) const {
  return static_cast<GrpcStream*>(nghttp2_session_get_stream_user_data(session_, id));
}

// --- what streams ask for ---------------------------------------------------------------------

void H2Session::SubmitData(int32_t id, const nghttp2_nv* fields, size_t count) {
  nghttp2_data_provider provider = {};
  provider.read_callback = H2Callbacks::Read;
  if (nghttp2_submit_response(session_, id, fields, count, &provider) != 0) Reset(id);
  host_->OnSessionDirty();
}

void H2Session::Respond(int32_t id) {
  const nghttp2_nv fields[] = {Field(":status", "200"), Field("content-type", "application/grpc")};
  SubmitData(id, fields, std::size(fields));
}

void H2Session::RespondNotGrpc(int32_t id, int http_status) {
  const bool wrong_method = http_status == 405;
  const nghttp2_nv fields[] = {
      Field(":status", wrong_method ? "405" : "415"), Field("content-type", "text/plain"),
      wrong_method ? Field("allow", "POST") : Field("accept", "application/grpc")};
  SubmitData(id, fields, std::size(fields));
}

void H2Session::RespondTrailersOnly(int32_t id, const absl::Status& status, bool name_encodings) {
  const std::string message = GrpcStatusMessage(status.message());
  std::vector<nghttp2_nv> fields = {Field(":status", "200"),
                                    Field("content-type", "application/grpc")};
  AppendStatus(status, message, &fields);
  if (name_encodings) fields.push_back(Field("grpc-accept-encoding", kGrpcAcceptEncoding));
  if (nghttp2_submit_response(session_, id, fields.data(), fields.size(), nullptr) != 0) Reset(id);
  host_->OnSessionDirty();
}

void H2Session::SubmitTrailers(int32_t id, const absl::Status& status) {
  const std::string message = GrpcStatusMessage(status.message());
  std::vector<nghttp2_nv> fields;
  AppendStatus(status, message, &fields);
  if (nghttp2_submit_trailer(session_, id, fields.data(), fields.size()) != 0) Reset(id);
  host_->OnSessionDirty();
}

void H2Session::Resume(int32_t id) {
  nghttp2_session_resume_data(session_, id);  // an error says that it was not waiting
  host_->OnSessionDirty();
}

void H2Session::Reset(int32_t id) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  host_->OnSessionDirty();
}

void H2Session::WidenWindow(int32_t id, uint64_t message_bytes) {
  if (message_bytes <= kStreamWindow) return;
  // nghttp2 renews a window when half of it is used; twice the message needs no renewal at all.
  const auto wanted = static_cast<int32_t>(std::min<uint64_t>(2 * message_bytes, kMaxStreamWindow));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, id, wanted);
}

// --- what nghttp2 reports -----------------------------------------------------------------------

int H2Session::CheckFlood(bool within_limits, absl::string_view what) {
  if (within_limits || terminating_) return 0;
  terminating_ = true;
  nghttp2_submit_goaway(
      session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
      NGHTTP2_ENHANCE_YOUR_CALM, reinterpret_cast<const uint8_t*>(what.data()), what.size());
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

int H2Session::OnRequestBegins(int32_t id) {
  auto stream = std::make_shared<GrpcStream>(this, id, environment_);
  nghttp2_session_set_stream_user_data(session_, id, stream.get());
  streams_.emplace(id, std::move(stream));
  return 0;
}

int H2Session::OnHeader(int32_t id, absl::string_view name, absl::string_view value) {
  GrpcStream* stream = Find(id);
  if (stream == nullptr) return 0;
  stream->head().Add(name, value);
  const uint64_t hopeless = kHopelessMetadataFactor * environment_->options->max_metadata_bytes;
  return stream->head().seen_bytes() > hopeless ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

int H2Session::OnFrame(const nghttp2_frame* frame) {
  const bool ends_stream = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  const bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA: {
      GrpcStream* stream = Find(frame->hd.stream_id);
      if (frame->hd.type == NGHTTP2_DATA && frame->hd.length == 0 && !ends_stream) {
        return CheckFlood(guard_.OnIdleFrame(now_), "too_many_empty_frames");
      }
      if (stream == nullptr) return 0;
      const bool is_request =
          frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
      if (is_request) stream->OnHeaders();
      if (ends_stream) stream->OnRequestEnd();
      return 0;
    }
    case NGHTTP2_PING:
      if (!is_ack) return CheckFlood(guard_.OnPing(now_), "too_many_pings");
      if (std::equal(std::begin(kShutdownPing), std::end(kShutdownPing), frame->ping.opaque_data)) {
        host_->OnShutdownSeen();
      }
      return 0;
    case NGHTTP2_RST_STREAM:
      return CheckFlood(guard_.OnReset(now_), "too_many_resets");
    case NGHTTP2_SETTINGS:
      established_ = true;
      return is_ack ? 0 : CheckFlood(guard_.OnIdleFrame(now_), "too_many_settings");
    case NGHTTP2_PRIORITY:
      return CheckFlood(guard_.OnIdleFrame(now_), "too_many_priorities");
    default:
      return 0;
  }
}

int H2Session::OnData(int32_t id, absl::string_view chunk) {
  GrpcStream* stream = Find(id);
  if (stream != nullptr) stream->OnData(chunk);
  return 0;
}

int H2Session::OnFrameSent(const nghttp2_frame* frame) {
  if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
  guard_.SawProgress();
  const int32_t id = frame->hd.stream_id;
  const bool answered = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (answered && nghttp2_session_get_stream_remote_close(session_, id) == 0) {
    // The answer did not need the rest of the request: the peer may stop sending it.
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
  }
  return 0;
}

int H2Session::OnStreamClosed(int32_t id, uint32_t error) {
  if (error == NGHTTP2_NO_ERROR) guard_.SawCall();
  const auto deadline = deadline_of_.find(id);
  if (deadline != deadline_of_.end()) {
    deadlines_.erase({deadline->second, id});
    deadline_of_.erase(deadline);
  }
  const auto found = streams_.find(id);
  if (found == streams_.end()) return 0;
  const std::shared_ptr<GrpcStream> stream = std::move(found->second);
  streams_.erase(found);
  nghttp2_session_set_stream_user_data(session_, id, nullptr);
  stream->OnClosed();
  return 0;
}

ssize_t H2Session::ReadData(int32_t id, size_t max, uint32_t* flags) {
  GrpcStream* stream = Find(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const GrpcStream::Supply supply = stream->PrepareData(max);
  if (supply.wait) return NGHTTP2_ERR_DEFERRED;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (supply.last) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (const absl::Status* status = stream->trailers()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      SubmitTrailers(id, *status);
    }
  }
  return static_cast<ssize_t>(supply.bytes);
}

int H2Session::SendData(int32_t id, const uint8_t* frame_header, size_t bytes) {
  constexpr size_t kFrameHeaderBytes = 9;
  if (out_->size() >= kSendQueueBytes) return NGHTTP2_ERR_WOULDBLOCK;
  GrpcStream* stream = Find(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  out_->Copy({reinterpret_cast<const char*>(frame_header), kFrameHeaderBytes});
  stream->EmitData(bytes, out_);
  return 0;
}

}  // namespace tfserving_remote

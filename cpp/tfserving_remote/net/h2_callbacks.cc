// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/h2_callbacks.h"

#include <algorithm>

#include "absl/strings/string_view.h"
#include "tfserving_remote/net/h2_session.h"

namespace tfserving_remote {
namespace {

// Larger frames save little, and keep other calls of the connection waiting.
constexpr int64_t kMaxDataFrame = 256 << 10;

H2Session& SessionOf(void* user) { return *static_cast<H2Session*>(user); }

absl::string_view View(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

const nghttp2_session_callbacks* H2Callbacks::Get() {
  static nghttp2_session_callbacks* const callbacks = [] {
    nghttp2_session_callbacks* made = nullptr;
    if (nghttp2_session_callbacks_new(&made) != 0) return made;
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, BeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(made, Header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, FrameReceived);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(made, InvalidFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, DataChunk);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, FrameSent);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, StreamClosed);
    nghttp2_session_callbacks_set_send_data_callback(made, SendData);
    nghttp2_session_callbacks_set_data_source_read_length_callback(made, DataFrameSize);
    return made;
  }();
  return callbacks;
}

const nghttp2_option* H2Callbacks::Options() {
  static nghttp2_option* const options = [] {
    nghttp2_option* made = nullptr;
    if (nghttp2_option_new(&made) != 0) return made;
    nghttp2_option_set_max_outbound_ack(made, 1000);
    // FloodGuard does this, with credit for calls that ran to their end.
    constexpr uint64_t kNever = uint64_t{1} << 40;
    nghttp2_option_set_stream_reset_rate_limit(made, kNever, kNever);
    return made;
  }();
  return options;
}

int H2Callbacks::BeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  const bool is_request =
      frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
  return is_request ? SessionOf(user).OnRequestBegins(frame->hd.stream_id) : 0;
}

int H2Callbacks::Header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                        size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                        void* user) {
  // A gRPC client sends no trailers; they are let through unread.
  const bool is_request =
      frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
  if (!is_request) return 0;
  return SessionOf(user).OnHeader(frame->hd.stream_id, View(name, name_size),
                                  View(value, value_size));
}

int H2Callbacks::FrameReceived(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  return SessionOf(user).OnFrame(frame);
}

int H2Callbacks::InvalidFrame(nghttp2_session*, const nghttp2_frame*, int, void* user) {
  // nghttp2 answers with RST_STREAM or GOAWAY: work that the peer has made for nothing.
  H2Session& session = SessionOf(user);
  return session.CheckFlood(session.guard_.OnReset(session.now_), "too_many_invalid_frames");
}

int H2Callbacks::DataChunk(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size,
                           void* user) {
  return SessionOf(user).OnData(id, View(data, size));
}

int H2Callbacks::FrameSent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  return SessionOf(user).OnFrameSent(frame);
}

int H2Callbacks::StreamClosed(nghttp2_session*, int32_t id, uint32_t error, void* user) {
  return SessionOf(user).OnStreamClosed(id, error);
}

int H2Callbacks::SendData(nghttp2_session*, nghttp2_frame* frame, const uint8_t* frame_header,
                          size_t size, nghttp2_data_source*, void* user) {
  return SessionOf(user).SendData(frame->hd.stream_id, frame_header, size);
}

ssize_t H2Callbacks::DataFrameSize(nghttp2_session*, uint8_t, int32_t, int32_t connection_window,
                                   int32_t stream_window, uint32_t max_frame_size, void*) {
  return static_cast<ssize_t>(std::min({int64_t{connection_window}, int64_t{stream_window},
                                        int64_t{max_frame_size}, kMaxDataFrame}));
}

ssize_t H2Callbacks::Read(nghttp2_session*, int32_t id, uint8_t*, size_t size, uint32_t* flags,
                          nghttp2_data_source*, void* user) {
  return SessionOf(user).ReadData(id, size, flags);
}

}  // namespace tfserving_remote

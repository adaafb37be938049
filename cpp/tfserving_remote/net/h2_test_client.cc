// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/h2_test_client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "tfserving_remote/net/grpc_wire.h"

namespace tfserving_remote {

std::string FrameMessage(absl::string_view message, bool compressed) {
  const auto prefix = GrpcMessagePrefix(static_cast<uint32_t>(message.size()));
  std::string framed(prefix.data(), prefix.size());
  if (compressed) framed[0] = 1;
  framed.append(message.data(), message.size());
  return framed;
}

struct H2TestCallbacks {
  static H2TestClient& Of(void* user) { return *static_cast<H2TestClient*>(user); }

  static int Header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                    void* user) {
    Of(user)
        .answers_[frame->hd.stream_id]
        .fields[std::string(reinterpret_cast<const char*>(name), name_size)] =
        std::string(reinterpret_cast<const char*>(value), value_size);
    return 0;
  }
  static int Data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size,
                  void* user) {
    Of(user).answers_[id].body.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }
  static int Closed(nghttp2_session*, int32_t id, uint32_t error, void* user) {
    Of(user).answers_[id].closed = true;
    Of(user).answers_[id].reset = error;
    return 0;
  }
  static int Frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    H2TestClient& client = Of(user);
    if (frame->hd.type == NGHTTP2_PING) {
      const bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
      ++(is_ack ? client.ping_answers_ : client.pings_received_);
    } else if (frame->hd.type == NGHTTP2_GOAWAY) {
      const nghttp2_goaway& goaway = frame->goaway;
      client.goaway_ = {
          true, goaway.error_code, goaway.last_stream_id,
          std::string(reinterpret_cast<const char*>(goaway.opaque_data), goaway.opaque_data_len)};
    }
    return 0;
  }
  static ssize_t Body(nghttp2_session*, int32_t id, uint8_t* buffer, size_t size, uint32_t* flags,
                      nghttp2_data_source* source, void* user) {
    auto& [bytes, sent] = Of(user).bodies_[id];
    const size_t taken = std::min(size, bytes.size() - sent);
    std::memcpy(buffer, bytes.data() + sent, taken);
    sent += taken;
    if (taken == 0 && source->fd == 0) return NGHTTP2_ERR_DEFERRED;
    if (sent == bytes.size() && source->fd == 1) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(taken);
  }
  static nghttp2_session* NewSession(H2TestClient* client, const H2TestClient::Options& options) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, Header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Closed);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Frame);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_ping_ack(option, options.answer_pings ? 0 : 1);
    nghttp2_option_set_no_auto_window_update(option, options.renew_windows ? 0 : 1);
    nghttp2_session* session = nullptr;
    nghttp2_session_client_new2(&session, callbacks, client, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return session;
  }
};

H2TestClient::H2TestClient(int port, Options options)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      session_(H2TestCallbacks::NewSession(this, options)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(0, ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)));
  if (!options.greet) return;
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.window}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
  Flush();
}

H2TestClient::~H2TestClient() { nghttp2_session_del(session_); }

H2Fields H2TestClient::CallFields(const std::string& path, const H2Fields& more) {
  H2Fields fields = {{":method", "POST"}, {":scheme", "http"},
                     {":path", path},     {":authority", "test"},
                     {"te", "trailers"},  {"content-type", "application/grpc"}};
  for (const auto& field : more) {
    const auto same = std::find_if(fields.begin(), fields.end(),
                                   [&](const auto& known) { return known.first == field.first; });
    if (same == fields.end()) {
      fields.push_back(field);
    } else {
      same->second = field.second;
    }
  }
  return fields;
}

int32_t H2TestClient::Send(const H2Fields& fields, std::string body, bool end) {
  std::vector<nghttp2_nv> list;
  for (const auto& [name, value] : fields) {
    list.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                    reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(),
                    value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  nghttp2_data_provider provider = {};
  provider.source.fd = end ? 1 : 0;
  provider.read_callback = H2TestCallbacks::Body;
  const int32_t stream =
      nghttp2_submit_request(session_, nullptr, list.data(), list.size(), &provider, nullptr);
  bodies_[stream] = {std::move(body), 0};
  Flush();
  return stream;
}

void H2TestClient::SendPing() {
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  Flush();
}

void H2TestClient::SendReset(int32_t stream) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
  Flush();
}

void H2TestClient::SendRaw(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) return;  // the server has closed: the test will see that
    bytes.remove_prefix(static_cast<size_t>(put));
  }
}

void H2TestClient::Flush() {
  // In one piece, so that the server sees a whole request at once.
  std::string all;
  const uint8_t* bytes = nullptr;
  for (;;) {
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size <= 0) break;
    all.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  }
  SendRaw(all);
}

bool H2TestClient::ReadUntil(const std::function<bool()>& until) {
  char buffer[16 << 10];
  while (!until()) {
    if (ended_) return false;
    const ssize_t got = ::recv(socket_.get(), buffer, sizeof(buffer), 0);
    if (got <= 0) {
      ended_ = true;
      continue;
    }
    nghttp2_session_mem_recv(session_, reinterpret_cast<uint8_t*>(buffer),
                             static_cast<size_t>(got));
    Flush();
  }
  return true;
}

const H2TestClient::Answer& H2TestClient::Await(int32_t stream) {
  EXPECT_TRUE(ReadUntil([&] { return answers_[stream].closed; })) << "the connection ended";
  return answers_[stream];
}

bool H2TestClient::AwaitPingAnswer() {
  const int before = ping_answers_;
  SendPing();
  return ReadUntil([&] { return ping_answers_ > before; });
}

const H2TestClient::Goaway& H2TestClient::AwaitGoaway() {
  ReadUntil([&] { return goaway_.seen; });
  return goaway_;
}

void H2TestClient::AwaitEnd() {
  ReadUntil([] { return false; });
  socket_ = UniqueFd();  // the server waits for that
}

}  // namespace tfserving_remote

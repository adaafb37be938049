// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_H2_TEST_CLIENT_H_
#define TFSERVING_REMOTE_NET_H2_TEST_CLIENT_H_

#include <nghttp2/nghttp2.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tfserving_remote/net/unique_fd.h"

namespace tfserving_remote {

using H2Fields = std::vector<std::pair<std::string, std::string>>;

/// A gRPC message on the wire: prefix and bytes.
std::string FrameMessage(absl::string_view message, bool compressed = false);

/// For tests: an HTTP/2 client on one blocking socket that can also misbehave.
///
/// Units:    bytes.
/// Errors:   GoogleTest failures on connecting; afterwards the end of the connection is an event.
/// Threads:  one.
/// Lifetime: closes the socket when it dies.
class H2TestClient {
 public:
  struct Answer {
    /// Header fields and trailers together.
    std::map<std::string, std::string> fields;
    std::string body;
    bool closed = false;
    uint32_t reset = NGHTTP2_NO_ERROR;

    std::string status() const { return Field("grpc-status"); }
    std::string message() const { return Field("grpc-message"); }
    std::string Field(const std::string& name) const {
      const auto found = fields.find(name);
      return found == fields.end() ? "" : found->second;
    }
  };
  struct Goaway {
    bool seen = false;
    uint32_t error = NGHTTP2_NO_ERROR;
    int32_t last_stream = 0;
    std::string text;
  };
  struct Options {
    bool answer_pings = true;
    uint32_t window = NGHTTP2_INITIAL_WINDOW_SIZE;
    /// Off: never lets the server send more than the first window.
    bool renew_windows = true;
    /// Off: nothing is sent but what SendRaw is given.
    bool greet = true;
  };

  explicit H2TestClient(int port) : H2TestClient(port, Options()) {}
  H2TestClient(int port, Options options);
  ~H2TestClient();

  /// The fields of an ordinary call, which `more` extends or, with an equal name, replaces.
  static H2Fields CallFields(const std::string& path, const H2Fields& more = {});
  /// Opens a stream and sends `body`; the stream stays open on this side unless `end`.
  int32_t Send(const H2Fields& fields, std::string body, bool end = true);
  int32_t Call(const std::string& path, absl::string_view message) {
    return Send(CallFields(path), FrameMessage(message));
  }
  void SendPing();
  void SendReset(int32_t stream);
  /// Bytes past the session: frames it would refuse to send.
  void SendRaw(absl::string_view bytes);
  void Flush();

  /// Reads until `until` holds or the connection ends; returns whether it holds.
  bool ReadUntil(const std::function<bool()>& until);
  const Answer& Await(int32_t stream);
  Answer& answer(int32_t stream) { return answers_[stream]; }
  bool AwaitPingAnswer();
  const Goaway& AwaitGoaway();
  /// Reads until the server closes.
  void AwaitEnd();
  int pings_received() const { return pings_received_; }

 private:
  friend struct H2TestCallbacks;

  UniqueFd socket_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, Answer> answers_;
  struct Body {
    std::string bytes;
    size_t sent = 0;
  };
  std::map<int32_t, Body> bodies_;
  Goaway goaway_;
  int ping_answers_ = 0;
  int pings_received_ = 0;
  bool ended_ = false;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_H2_TEST_CLIENT_H_

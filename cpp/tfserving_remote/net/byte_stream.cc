// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/byte_stream.h"

#include <sys/socket.h>

#include <cerrno>

namespace tfserving_remote {
namespace {

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(int fd) : fd_(fd) {}

  IoState Handshake() override { return IoState::kDone; }

  IoResult Read(absl::Span<char> into) override {
    ssize_t got;
    do {
      got = ::recv(fd_, into.data(), into.size(), 0);
    } while (got < 0 && errno == EINTR);
    if (got > 0) return {IoState::kDone, static_cast<size_t>(got)};
    if (got == 0) return {IoState::kEnd, 0};
    return {WouldBlock() ? IoState::kWantRead : IoState::kFailed, 0};
  }

  IoResult Write(const iovec* pieces, size_t count) override {
    msghdr message = {};
    message.msg_iov = const_cast<iovec*>(pieces);
    message.msg_iovlen = count;
    ssize_t put;
    do {
      put = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    } while (put < 0 && errno == EINTR);
    if (put >= 0) return {IoState::kDone, static_cast<size_t>(put)};
    return {WouldBlock() ? IoState::kWantWrite : IoState::kFailed, 0};
  }

  void CloseWrite() override { ::shutdown(fd_, SHUT_WR); }
  bool HoldsInput() const override { return false; }

 private:
  static bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK; }

  const int fd_;
};

}  // namespace

std::unique_ptr<ByteStream> MakePlainStream(int fd) { return std::make_unique<PlainStream>(fd); }

}  // namespace tfserving_remote

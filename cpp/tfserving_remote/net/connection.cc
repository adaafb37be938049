// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

// A lost SYN is sent again after a second; an address deserves that second chance.
constexpr absl::Duration kLeastShare = absl::Milliseconds(1200);

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

class PlainConnection final : public Connection {
 public:
  explicit PlainConnection(UniqueFd socket) : socket_(std::move(socket)) {}

  absl::StatusOr<size_t> ReadSome(absl::Span<char> into, const CallLimits& limits) override {
    if (absl::Status status = limits.Check(); !status.ok()) return status;
    for (;;) {
      const ssize_t got = recv(socket_.get(), into.data(), into.size(), 0);
      if (got > 0) return static_cast<size_t>(got);
      if (got == 0) {
        closed_by_peer_ = true;
        return 0;
      }
      if (absl::Status status = AfterFailure("read", POLLIN, limits); !status.ok()) return status;
    }
  }

  absl::Status WriteAll(absl::string_view bytes, const CallLimits& limits) override {
    if (absl::Status status = limits.Check(); !status.ok()) return status;
    while (!bytes.empty()) {
      const ssize_t sent = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<size_t>(sent));
        continue;
      }
      if (absl::Status status = AfterFailure("write", POLLOUT, limits); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }

  Idle Probe() override {
    char byte;
    const ssize_t got = recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0) return Idle::kUnexpectedBytes;
    return got < 0 && WouldBlock(errno) ? Idle::kQuiet : Idle::kClosed;
  }

 private:
  // OK when the operation is worth another try, after waiting if need be.
  absl::Status AfterFailure(absl::string_view doing, short events, const CallLimits& limits) {
    const int error = errno;
    if (error == EINTR) return absl::OkStatus();
    if (WouldBlock(error)) return limits.WaitUntilReady(socket_.get(), events);
    closed_by_peer_ = IsDisconnect(error);
    return absl::UnavailableError(absl::StrCat(doing, ": ", ErrnoText(error)));
  }

  const UniqueFd socket_;
};

absl::StatusOr<UniqueFd> ConnectOne(const SocketAddress& address, absl::Duration patience,
                                    const CallLimits& limits) {
  UniqueFd fd(
      socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!fd) return absl::UnavailableError(absl::StrCat("socket: ", ErrnoText(errno)));
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0) {
    return fd;
  }
  // An interrupted connect goes on by itself, like one that would block.
  if (errno != EINPROGRESS && errno != EINTR) return absl::UnavailableError(ErrnoText(errno));
  absl::Status waited = limits.WaitUntilReady(fd.get(), POLLOUT, patience);
  if (!waited.ok()) return waited;
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return absl::UnavailableError(ErrnoText(error));
  return fd;
}

}  // namespace

bool IsDisconnect(int error) {
  return error == ECONNRESET || error == EPIPE || error == ECONNABORTED || error == ENOTCONN;
}

absl::StatusOr<UniqueFd> ConnectTcp(const std::vector<SocketAddress>& addresses,
                                    absl::Duration give_up, const CallLimits& limits) {
  std::string failures;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const absl::Duration left = give_up - MonotonicNow();
    if (left <= absl::ZeroDuration() && i > 0) break;
    const absl::Duration share = left / static_cast<int64_t>(addresses.size() - i);
    absl::StatusOr<UniqueFd> fd =
        ConnectOne(addresses[i], std::min(left, std::max(share, kLeastShare)), limits);
    if (fd.ok() || fd.status().code() != absl::StatusCode::kUnavailable) return fd;
    absl::StrAppend(&failures, failures.empty() ? "" : "; ", addresses[i].ToString(), ": ",
                    fd.status().message());
  }
  return absl::UnavailableError(absl::StrCat("connect: ", failures));
}

std::unique_ptr<Connection> MakePlainConnection(UniqueFd socket) {
  return std::make_unique<PlainConnection>(std::move(socket));
}

}  // namespace tfserving_remote

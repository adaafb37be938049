// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/grpc_listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

constexpr int kBacklog = 1024;
// Accepted in one go before other work of the loop gets its turn.
constexpr int kAcceptShare = 64;
// When the process has no file descriptor left: some may be closed meanwhile.
constexpr std::chrono::milliseconds kAcceptPause{100};

absl::Status ListenError(absl::string_view address, int error) {
  const std::string message = absl::StrCat("grpc listen ", address, ": ", std::strerror(error));
  return error == EADDRINUSE ? absl::AlreadyExistsError(message) : absl::UnavailableError(message);
}

std::string PeerName(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    return absl::StrCat("ipv4:", text, ":", ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    return absl::StrCat("ipv6:[", text, "]:", ntohs(v6.sin6_port));
  }
  return "unix:";
}

absl::StatusOr<UniqueFd> Listen(const sockaddr* address, socklen_t size, absl::string_view name) {
  UniqueFd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return ListenError(name, errno);
  const int on = 1;
  if (address->sa_family != AF_UNIX) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  }
  if (::bind(fd.get(), address, size) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return ListenError(name, errno);
  }
  return fd;
}

// Removes a socket file that nobody listens on any more.
absl::Status RemoveStaleSocket(const sockaddr_un& address, absl::string_view name) {
  struct stat info = {};
  if (::lstat(address.sun_path, &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode)) return ListenError(name, EADDRINUSE);
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(probe.get(), generic, sizeof(address)) != 0 && errno == ECONNREFUSED) {
    ::unlink(address.sun_path);
    return absl::OkStatus();
  }
  return ListenError(name, EADDRINUSE);
}

}  // namespace

GrpcListener::GrpcListener(std::shared_ptr<IoLoop> loop, UniqueFd socket, OnAccept on_accept)
    : loop_(std::move(loop)),
      on_accept_(std::move(on_accept)),
      socket_(loop_->context(), socket.Release()),
      pause_(loop_->context()) {}

absl::StatusOr<std::unique_ptr<GrpcListener>> GrpcListener::Tcp(std::shared_ptr<IoLoop> loop,
                                                                const std::string& host, int port,
                                                                OnAccept on_accept) {
  const std::string name = absl::StrCat(host, ":", port);
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                    absl::StrCat(port).c_str(), &hints, &found);
  if (failure != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("grpc listen ", name, ": ", ::gai_strerror(failure)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
  auto fd = Listen(found->ai_addr, found->ai_addrlen, name);
  if (!fd.ok()) return fd.status();
  sockaddr_storage bound = {};
  socklen_t size = sizeof(bound);
  ::getsockname(fd->get(), reinterpret_cast<sockaddr*>(&bound), &size);
  std::unique_ptr<GrpcListener> listener(
      new GrpcListener(std::move(loop), *std::move(fd), std::move(on_accept)));
  listener->port_ =
      ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                        : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
  return listener;
}

absl::StatusOr<std::unique_ptr<GrpcListener>> GrpcListener::Unix(std::shared_ptr<IoLoop> loop,
                                                                 const std::string& path,
                                                                 OnAccept on_accept) {
  const std::string name = absl::StrCat("unix:", path);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return ListenError(name, ENAMETOOLONG);
  std::memcpy(address.sun_path, path.data(), path.size());
  absl::Status status = RemoveStaleSocket(address, name);
  if (!status.ok()) return status;
  auto fd = Listen(reinterpret_cast<const sockaddr*>(&address), sizeof(address), name);
  if (!fd.ok()) return fd.status();
  std::unique_ptr<GrpcListener> listener(
      new GrpcListener(std::move(loop), *std::move(fd), std::move(on_accept)));
  listener->path_ = path;
  return listener;
}

void GrpcListener::Wait() {
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this](const boost::system::error_code& error) {
                       if (error || !socket_.is_open()) return;
                       AcceptAll();
                       loop_->FinishBatch();
                     });
}

void GrpcListener::AcceptAll() {
  for (int i = 0; i < kAcceptShare; ++i) {
    sockaddr_storage peer = {};
    socklen_t size = sizeof(peer);
    UniqueFd fd(::accept4(socket_.native_handle(), reinterpret_cast<sockaddr*>(&peer), &size,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      PauseAccepting();
      return;
    }
    const bool is_unix = peer.ss_family != AF_INET && peer.ss_family != AF_INET6;
    const int on = 1;
    if (!is_unix) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const boost::asio::generic::stream_protocol protocol(is_unix ? AF_UNIX : peer.ss_family,
                                                         is_unix ? 0 : IPPROTO_TCP);
    on_accept_({std::move(fd), protocol, PeerName(peer)});
  }
  Wait();
}

void GrpcListener::PauseAccepting() {
  pause_.expires_after(kAcceptPause);
  pause_.async_wait([this](const boost::system::error_code& error) {
    if (!error && socket_.is_open()) Wait();
  });
}

void GrpcListener::Close() {
  boost::system::error_code ignored;
  pause_.cancel();
  socket_.close(ignored);
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace tfserving_remote

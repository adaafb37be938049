// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace tfserving_remote {
namespace {

using Names = absl::StatusOr<std::vector<std::string>>;
using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// EAI_SYSTEM says that errno has the reason.
std::string FailureText(int code) {
  return code == EAI_SYSTEM ? ErrnoText(errno) : std::string(gai_strerror(code));
}

int GetAddresses(const std::string& host, int flags, AddressList* addresses) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code == 0) addresses->reset(found);
  return code;
}

Names SystemLookUp(const std::string& host) {
  AddressList addresses(nullptr, &freeaddrinfo);
  if (const int code = GetAddresses(host, 0, &addresses); code != 0) {
    return absl::UnavailableError(absl::StrCat("name look-up of ", host, ": ", FailureText(code)));
  }
  std::vector<std::string> names;
  for (const addrinfo* at = addresses.get(); at != nullptr; at = at->ai_next) {
    char name[NI_MAXHOST];
    if (getnameinfo(at->ai_addr, at->ai_addrlen, name, sizeof(name), nullptr, 0, NI_NUMERICHOST) ==
        0) {
      names.emplace_back(name);
    }
  }
  return names;
}

std::optional<SocketAddress> ParseNumeric(const std::string& host, uint16_t port) {
  AddressList addresses(nullptr, &freeaddrinfo);
  if (GetAddresses(host, AI_NUMERICHOST, &addresses) != 0) return std::nullopt;
  SocketAddress address;
  address.size = addresses->ai_addrlen;
  std::memcpy(&address.storage, addresses->ai_addr, address.size);
  if (address.storage.ss_family == AF_INET) {
    reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port = htons(port);
  }
  return address;
}

// One look-up under way and everybody who waits for it.
class PendingLookUp {
 public:
  explicit PendingLookUp(UniqueFd done) : done_(std::move(done)) {}

  // Readable, for good, once there is a result.
  int done_fd() const { return done_.get(); }

  void Finish(Names names) {
    {
      absl::MutexLock lock(&mu_);
      names_ = std::move(names);
    }
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(done_.get(), &one, sizeof(one));
  }

  Names names() const {
    absl::MutexLock lock(&mu_);
    return names_;
  }

 private:
  const UniqueFd done_;
  mutable absl::Mutex mu_;
  Names names_ ABSL_GUARDED_BY(mu_) = absl::UnavailableError("name look-up is not finished");
};

}  // namespace

std::string SocketAddress::ToString() const {
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&storage), size, host, sizeof(host), port,
                  sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "?";
  }
  return storage.ss_family == AF_INET6 ? absl::StrCat("[", host, "]:", port)
                                       : absl::StrCat(host, ":", port);
}

struct Resolver::Shared : std::enable_shared_from_this<Resolver::Shared> {
  explicit Shared(LookUp chosen) : look_up(std::move(chosen)) {}

  // The look-up of `host` that is under way, or a new one.
  absl::StatusOr<std::shared_ptr<PendingLookUp>> Join(const std::string& host) {
    std::shared_ptr<PendingLookUp> pending;
    {
      absl::MutexLock lock(&mu);
      const auto found = under_way.find(host);
      if (found != under_way.end()) return found->second;
      UniqueFd done(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
      if (!done) {
        return absl::UnavailableError(absl::StrCat("name look-up: ", ErrnoText(errno)));
      }
      pending = std::make_shared<PendingLookUp>(std::move(done));
      under_way[host] = pending;
    }
    try {
      std::thread([self = shared_from_this(), pending, host] {
        self->Finish(host, *pending, self->look_up(host));
      }).detach();
    } catch (const std::system_error& error) {
      Finish(host, *pending, absl::UnavailableError(absl::StrCat("name look-up: ", error.what())));
    }
    return pending;
  }

  // Forgets first: who asks after the result is known asks anew.
  void Finish(const std::string& host, PendingLookUp& pending, Names names) {
    {
      absl::MutexLock lock(&mu);
      under_way.erase(host);
    }
    pending.Finish(std::move(names));
  }

  // Constant after construction.
  const LookUp look_up;
  // Guarded by mu.
  absl::Mutex mu;
  std::map<std::string, std::shared_ptr<PendingLookUp>> under_way ABSL_GUARDED_BY(mu);
};

Resolver::Resolver(LookUp look_up)
    : shared_(std::make_shared<Shared>(look_up ? std::move(look_up) : LookUp(&SystemLookUp))) {}

absl::StatusOr<std::vector<SocketAddress>> Resolver::Resolve(const std::string& host, uint16_t port,
                                                             const CallLimits& limits,
                                                             absl::Duration patience) {
  if (const auto numeric = ParseNumeric(host, port)) return std::vector<SocketAddress>{*numeric};
  absl::StatusOr<std::shared_ptr<PendingLookUp>> pending = shared_->Join(host);
  if (!pending.ok()) return pending.status();
  absl::Status waited = limits.WaitUntilReady((*pending)->done_fd(), POLLIN, patience);
  if (!waited.ok()) {
    return absl::Status(waited.code(),
                        absl::StrCat("name look-up of ", host, ": ", waited.message()));
  }
  const Names names = (*pending)->names();
  if (!names.ok()) return names.status();
  std::vector<SocketAddress> addresses;
  for (const std::string& name : *names) {
    if (const auto address = ParseNumeric(name, port)) addresses.push_back(*address);
  }
  if (addresses.empty()) {
    return absl::UnavailableError(absl::StrCat("name look-up of ", host, ": no address"));
  }
  return addresses;
}

}  // namespace tfserving_remote

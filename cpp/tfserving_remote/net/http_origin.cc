// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tfserving_remote/net/http_client.h"

namespace tfserving_remote {
namespace {

// What was wrong, without the text itself: it may hold a password.
absl::Status BadOrigin(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "server address: ", what, "; write it like https://host:443 or http://127.0.0.1:9000"));
}

bool IsIpv6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool IsName(absl::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  for (const char c : host) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '.' && c != '_') return false;
  }
  return true;
}

bool ParsePort(absl::string_view text, uint16_t* port) {
  uint32_t number = 0;
  if (text.empty() || text.size() > 5 || !absl::ascii_isdigit(text.front()) ||
      !absl::SimpleAtoi(text, &number) || number < 1 || number > 65535) {
    return false;
  }
  *port = static_cast<uint16_t>(number);
  return true;
}

std::string Bracketed(const std::string& host) {
  return absl::StrContains(host, ':') ? absl::StrCat("[", host, "]") : host;
}

// Takes "[::1]" or "host" off the front of `rest`.
absl::Status TakeHost(absl::string_view* rest, std::string* host) {
  if (absl::ConsumePrefix(rest, "[")) {
    const size_t end = rest->find(']');
    if (end == absl::string_view::npos) return BadOrigin("']' is missing");
    *host = absl::AsciiStrToLower(rest->substr(0, end));
    rest->remove_prefix(end + 1);
    return IsIpv6(*host) ? absl::OkStatus() : BadOrigin("no IPv6 address in the brackets");
  }
  const size_t end = std::min(rest->find(':'), rest->size());
  *host = absl::AsciiStrToLower(rest->substr(0, end));
  rest->remove_prefix(end);
  return IsName(*host) ? absl::OkStatus() : BadOrigin("host name is missing or malformed");
}

}  // namespace

std::optional<absl::string_view> FindHeader(const std::vector<HttpHeader>& headers,
                                            absl::string_view name) {
  for (const HttpHeader& header : headers) {
    if (absl::EqualsIgnoreCase(header.name, name)) return header.value;
  }
  return std::nullopt;
}

absl::StatusOr<HttpOrigin> HttpOrigin::Parse(absl::string_view text) {
  HttpOrigin origin;
  absl::string_view rest = text;
  if (absl::StartsWithIgnoreCase(rest, "https://")) {
    origin.tls = true;
    rest.remove_prefix(8);
  } else if (absl::StartsWithIgnoreCase(rest, "http://")) {
    rest.remove_prefix(7);
  } else {
    return BadOrigin("neither http:// nor https://");
  }
  absl::ConsumeSuffix(&rest, "/");
  if (absl::StrContains(rest, '@')) return BadOrigin("user names are not taken");
  if (rest.find_first_of("/?#") != absl::string_view::npos) {
    return BadOrigin("paths and queries are not taken");
  }
  if (absl::Status status = TakeHost(&rest, &origin.host); !status.ok()) return status;
  origin.port = origin.tls ? 443 : 80;
  if (rest.empty()) return origin;
  if (!absl::ConsumePrefix(&rest, ":") || !ParsePort(rest, &origin.port)) {
    return BadOrigin("the port is no number from 1 to 65535");
  }
  return origin;
}

std::string HttpOrigin::HostHeader() const {
  const bool own_port = port == (tls ? 443 : 80);
  return own_port ? Bracketed(host) : absl::StrCat(Bracketed(host), ":", port);
}

std::string HttpOrigin::ToString() const {
  return absl::StrCat(tls ? "https://" : "http://", Bracketed(host), ":", port);
}

}  // namespace tfserving_remote

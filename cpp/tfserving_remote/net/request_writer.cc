// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/request_writer.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

// Shorter bodies travel in one segment with the header.
constexpr size_t kJoinedBody = 64 << 10;

bool IsTokenByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("!#$%&'*+-.^_`|~", c);
}

bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), &IsTokenByte);
}

bool IsTarget(absl::string_view text) {
  const auto visible = [](char c) { return c > ' ' && c < 0x7f; };
  return absl::StartsWith(text, "/") && std::all_of(text.begin(), text.end(), visible);
}

bool IsHeaderValue(absl::string_view text) {
  return text.find_first_of(absl::string_view("\r\n\0", 3)) == absl::string_view::npos;
}

bool IsOurs(absl::string_view name) {
  for (const char* ours : {"host", "content-length", "connection", "transfer-encoding"}) {
    if (absl::EqualsIgnoreCase(name, ours)) return true;
  }
  return false;
}

// A server may wait for a body where the method means one.
bool SaysLength(const HttpRequest& request) {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" ||
         request.method == "PATCH";
}

std::string Header(const HttpRequest& request, absl::string_view user_agent) {
  std::string header = absl::StrCat(request.method, " ", request.target,
                                    " HTTP/1.1\r\nHost: ", request.origin.HostHeader(), "\r\n");
  for (const HttpHeader& field : request.headers) {
    absl::StrAppend(&header, field.name, ": ", field.value, "\r\n");
  }
  if (!user_agent.empty() && !FindHeader(request.headers, "user-agent").has_value()) {
    absl::StrAppend(&header, "User-Agent: ", user_agent, "\r\n");
  }
  if (SaysLength(request)) {
    absl::StrAppend(&header, "Content-Length: ", request.body.size(), "\r\n");
  }
  return header + "\r\n";
}

}  // namespace

absl::Status CheckRequest(const HttpRequest& request) {
  if (!IsToken(request.method)) return absl::InvalidArgumentError("malformed HTTP method");
  if (request.origin.host.empty() || request.origin.port == 0) {
    return absl::InvalidArgumentError(absl::StrCat(request.method, ": no server to send it to"));
  }
  if (!IsTarget(request.target)) {
    return absl::InvalidArgumentError(
        absl::StrCat(request.method, " ", request.origin.ToString(),
                     ": the target must begin with '/' and be percent-encoded"));
  }
  for (const HttpHeader& header : request.headers) {
    if (!IsToken(header.name) || !IsHeaderValue(header.value)) {
      return absl::InvalidArgumentError(
          absl::StrCat(request.method, " ", request.origin.ToString(), ": malformed header"));
    }
    if (IsOurs(header.name)) {
      return absl::InvalidArgumentError(absl::StrCat(request.method, " ", request.origin.ToString(),
                                                     ": header ", header.name,
                                                     " is written by the client"));
    }
  }
  return absl::OkStatus();
}

absl::Status WriteRequest(const HttpRequest& request, absl::string_view user_agent,
                          Connection& connection, const CallLimits& limits) {
  std::string header = Header(request, user_agent);
  if (request.body.size() <= kJoinedBody) {
    header += request.body;
    return connection.WriteAll(header, limits);
  }
  if (absl::Status status = connection.WriteAll(header, limits); !status.ok()) return status;
  return connection.WriteAll(request.body, limits);
}

}  // namespace tfserving_remote

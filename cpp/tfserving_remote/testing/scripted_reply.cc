// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tfserving_remote/testing/scripted_http_server.h"

namespace tfserving_remote {
namespace {

std::string Chunked(absl::string_view body, size_t chunk_bytes) {
  std::string coded;
  for (; !body.empty(); body.remove_prefix(std::min(body.size(), chunk_bytes))) {
    const absl::string_view chunk = body.substr(0, chunk_bytes);
    absl::StrAppend(&coded, absl::Hex(chunk.size()), ";note=1\r\n", chunk, "\r\n");
  }
  return coded + "0\r\nX-Trailer: 1\r\n\r\n";
}

// "bytes=first-last" or "bytes=first-"; false for anything else, which is answered whole.
bool ParseRange(absl::string_view text, size_t size, size_t* first, size_t* last) {
  if (!absl::ConsumePrefix(&text, "bytes=")) return false;
  const std::pair<absl::string_view, absl::string_view> ends = absl::StrSplit(text, '-');
  *last = size - 1;
  return absl::SimpleAtoi(ends.first, first) &&
         (ends.second.empty() || absl::SimpleAtoi(ends.second, last)) && *first <= *last;
}

}  // namespace

std::string ScriptedReply::Wire() const {
  if (!raw.empty()) return raw;
  std::string wire = absl::StrCat("HTTP/1.1 ", status, " Scripted\r\n");
  for (const HttpHeader& header : headers) {
    absl::StrAppend(&wire, header.name, ": ", header.value, "\r\n");
  }
  if (framing == Framing::kChunked) {
    return absl::StrCat(wire, "Transfer-Encoding: chunked\r\n\r\n", Chunked(body, chunk_bytes));
  }
  if (framing == Framing::kCounted && status != 204 && status != 304) {
    absl::StrAppend(&wire, "Content-Length: ", declared_length.value_or(body.size()), "\r\n");
  }
  return absl::StrCat(wire, "\r\n", body);
}

ScriptedHandler ServeContent(std::string content) {
  return [content = std::move(content)](const ScriptedRequest& request) {
    ScriptedReply reply;
    const auto range = FindHeader(request.headers, "range");
    size_t first = 0;
    size_t last = 0;
    if (!range.has_value() || !ParseRange(*range, content.size(), &first, &last)) {
      reply.body = content;
      return reply;
    }
    if (first >= content.size()) {
      reply.status = 416;
      return reply;
    }
    last = std::min(last, content.size() - 1);
    reply.status = 206;
    reply.headers.push_back(
        {"Content-Range", absl::StrCat("bytes ", first, "-", last, "/", content.size())});
    reply.body = content.substr(first, last - first + 1);
    return reply;
  };
}

ScriptedHandler ServeInTurn(std::vector<ScriptedReply> replies) {
  auto next = std::make_shared<std::atomic<size_t>>(0);
  return [replies = std::move(replies), next](const ScriptedRequest&) {
    return replies[std::min(next->fetch_add(1), replies.size() - 1)];
  };
}

}  // namespace tfserving_remote

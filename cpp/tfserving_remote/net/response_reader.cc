// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/response_reader.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/net/body_reader.h"

namespace tfserving_remote {
namespace {

namespace http = boost::beast::http;
using Parser = http::response_parser<http::empty_body>;

constexpr uint32_t kLongestHeader = 64 << 10;
constexpr int kMostInformational = 16;

absl::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

// Parses one header, final or informational, and takes its bytes from the reader.
absl::Status ParseHeader(BufferedReader& reader, Parser& parser) {
  while (!parser.is_header_done()) {
    if (reader.buffered().empty()) {
      absl::StatusOr<size_t> got = reader.Fill();
      if (!got.ok()) return got.status();
      if (*got == 0) return absl::UnavailableError("the connection was closed before an answer");
    }
    boost::beast::error_code error;
    const absl::string_view bytes = reader.buffered();
    reader.Take(parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error));
    if (error == http::error::header_limit) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the header is longer than ", kLongestHeader, " bytes"));
    }
    if (error && error != http::error::need_more) {
      return absl::UnavailableError(absl::StrCat("malformed answer: ", error.message()));
    }
    if (parser.is_header_done()) return absl::OkStatus();
    absl::StatusOr<size_t> got = reader.Fill();
    if (!got.ok()) return got.status();
    if (*got == 0) return absl::UnavailableError("the connection was closed inside the header");
  }
  return absl::OkStatus();
}

// Beast takes unknown codings for a body that runs to the end; we would hand out coded bytes.
bool HasUnknownCoding(const std::vector<HttpHeader>& headers) {
  for (const HttpHeader& header : headers) {
    if (absl::EqualsIgnoreCase(header.name, "transfer-encoding") &&
        !absl::EqualsIgnoreCase(header.value, "chunked")) {
      return true;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<HttpResponse> ResponseReader::Read(bool head, const HttpCallOptions& options) {
  HttpResponse response;
  absl::StatusOr<Framing> framing = ReadHeader(head, &response);
  if (!framing.ok()) return framing.status();
  if (absl::Status status = ReadBody(*framing, options, &response); !status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("HTTP status ", response.status, ": ", status.message()));
  }
  if (absl::Status status = CheckNothingFollows(*framing); !status.ok()) return status;
  return response;
}

absl::StatusOr<ResponseReader::Framing> ResponseReader::ReadHeader(bool head,
                                                                   HttpResponse* response) {
  for (int informational = 0; informational <= kMostInformational; ++informational) {
    Parser parser;
    parser.header_limit(kLongestHeader);
    parser.body_limit(std::numeric_limits<uint64_t>::max());
    parser.skip(head);
    if (absl::Status status = ParseHeader(reader_, parser); !status.ok()) return status;
    response->status = static_cast<int>(parser.get().result_int());
    if (response->status == 101) return absl::UnavailableError("malformed answer: unasked upgrade");
    if (response->status / 100 == 1) continue;
    for (const auto& field : parser.get()) {
      response->headers.push_back(
          {std::string(View(field.name_string())), std::string(View(field.value()))});
    }
    if (HasUnknownCoding(response->headers)) {
      return absl::UnavailableError("malformed answer: unknown transfer coding");
    }
    Framing framing;
    framing.keep_alive = parser.keep_alive();
    if (parser.is_done()) return framing;
    if (parser.chunked()) {
      framing.body = Framing::Body::kChunked;
    } else if (parser.need_eof()) {
      framing.body = Framing::Body::kToEnd;
    } else {
      framing.body = Framing::Body::kCounted;
      framing.size = parser.content_length().value_or(0);
    }
    return framing;
  }
  return absl::UnavailableError("malformed answer: too many informational headers");
}

absl::Status ResponseReader::ReadBody(const Framing& framing, const HttpCallOptions& options,
                                      HttpResponse* response) {
  const bool into_memory =
      !options.body_into.empty() && (response->status == 200 || response->status == 206);
  BodySink sink = into_memory ? BodySink::Memory(options.body_into)
                              : BodySink::String(&response->body, options.max_body_bytes);
  absl::Status status;
  switch (framing.body) {
    case Framing::Body::kNone:
      status = sink.Finish();
      break;
    case Framing::Body::kCounted:
      // Known to be wrong before a byte of it has been read.
      if (into_memory && framing.size != options.body_into.size()) {
        return absl::DataLossError(absl::StrCat("the body has ", framing.size,
                                                " bytes instead of the ", options.body_into.size(),
                                                " that were asked for"));
      }
      status = ReadCountedBody(reader_, framing.size, sink);
      break;
    case Framing::Body::kChunked:
      status = ReadChunkedBody(reader_, sink);
      break;
    case Framing::Body::kToEnd:
      status = ReadBodyToEnd(reader_, sink);
      if (status.ok() && !connection_.clean_end()) {
        status = absl::DataLossError("the connection was cut where the body may not have ended");
      }
      break;
  }
  if (into_memory) response->bytes_into = sink.size();
  return status;
}

// Only what has arrived by now can be seen; what comes later spoils the connection, not the answer.
absl::Status ResponseReader::CheckNothingFollows(const Framing& framing) {
  if (framing.body == Framing::Body::kToEnd) return absl::OkStatus();
  const Connection::Idle idle =
      reader_.buffered().empty() ? connection_.Probe() : Connection::Idle::kUnexpectedBytes;
  if (idle == Connection::Idle::kUnexpectedBytes && framing.body == Framing::Body::kCounted) {
    return absl::DataLossError("more bytes came than the header declared");
  }
  reusable_ = framing.keep_alive && idle == Connection::Idle::kQuiet;
  return absl::OkStatus();
}

}  // namespace tfserving_remote

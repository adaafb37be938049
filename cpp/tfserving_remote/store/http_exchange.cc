// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/http_exchange.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tfserving_remote/store/store_status.h"

namespace tfserving_remote {
namespace {

absl::Duration TimeFor(const HttpTimeouts& timeouts, uint64_t bytes) {
  return timeouts.overhead + absl::Seconds(static_cast<double>(bytes) /
                                           static_cast<double>(timeouts.slowest_bytes_per_second));
}

// Failures without an answer, in the words of ObjectStore.
absl::Status Explain(const StoreRequest& request, const absl::Status& status, bool time_left) {
  StoreFailure failure;
  failure.code = status.code();
  failure.verb = request.verb;
  failure.url = request.url;
  failure.what = std::string(status.message());
  if (absl::IsDeadlineExceeded(status) && time_left) {
    failure.code = absl::StatusCode::kUnavailable;
    failure.what = absl::StrCat("the store is too slow: ", status.message());
  }
  // A body cut short is DATA_LOSS; the next one may be whole.
  if (failure.code == absl::StatusCode::kUnavailable ||
      failure.code == absl::StatusCode::kDataLoss) {
    failure.retry = RetryAdvice::AfterBackoff();
  }
  return ToStatus(failure);
}

struct ContentRange {
  uint64_t first = 0;
  uint64_t last = 0;
  // nullopt when the server writes '*'.
  std::optional<uint64_t> total;
};

// "bytes 0-9/100".
std::optional<ContentRange> ParseContentRange(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "bytes ")) return std::nullopt;
  const size_t dash = text.find('-');
  const size_t slash = text.find('/');
  if (dash == absl::string_view::npos || slash == absl::string_view::npos || slash < dash) {
    return std::nullopt;
  }
  ContentRange range;
  uint64_t total = 0;
  if (!absl::SimpleAtoi(text.substr(0, dash), &range.first) ||
      !absl::SimpleAtoi(text.substr(dash + 1, slash - dash - 1), &range.last)) {
    return std::nullopt;
  }
  if (absl::SimpleAtoi(text.substr(slash + 1), &total)) {
    range.total = total;
  } else if (text.substr(slash + 1) != "*") {
    return std::nullopt;
  }
  return range;
}

absl::Status CheckPartial(const ExpectedRange& expected, const HttpResponse& response) {
  const absl::string_view header = HeaderOf(response, "Content-Range");
  const std::optional<ContentRange> range = ParseContentRange(header);
  if (!range.has_value()) {
    return absl::DataLossError("a partial answer without a valid Content-Range");
  }
  const uint64_t last = expected.offset + expected.length - 1;
  if (range->total.has_value() && *range->total <= last) {
    return absl::OutOfRangeError(absl::StrCat("the object ends at byte ", *range->total,
                                              ", before the range that was asked for"));
  }
  if (range->first != expected.offset || range->last != last) {
    return absl::DataLossError(absl::StrCat("asked for bytes ", expected.offset, "-", last,
                                            ", the store answered with ", range->first, "-",
                                            range->last));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HttpResponse> Exchange(HttpClient& client, Clock& clock,
                                      const HttpTimeouts& timeouts, const StoreRequest& request,
                                      const StoreCallOptions& options) {
  HttpCallOptions call;
  call.connect_timeout = timeouts.connect;
  call.stall_timeout = timeouts.stall;
  call.cancellation = options.cancellation;
  call.body_into = request.body_into;
  call.max_body_bytes = request.max_body_bytes;
  const uint64_t bytes =
      request.body_into.empty() ? request.max_body_bytes : request.body_into.size();
  call.deadline = std::min(options.deadline, clock.Now() + TimeFor(timeouts, bytes));
  absl::StatusOr<HttpResponse> response = client.Send(request.http, call);
  if (response.ok()) return response;
  return Explain(request, response.status(), clock.Now() < options.deadline);
}

absl::string_view HeaderOf(const HttpResponse& response, absl::string_view name) {
  return FindHeader(response.headers, name).value_or("");
}

std::optional<absl::Time> ParseHttpDate(absl::string_view text) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", text, &time, &error)) return std::nullopt;
  return time;
}

absl::Duration RetryAfter(const HttpResponse& response, absl::Time now) {
  const absl::string_view text = HeaderOf(response, "Retry-After");
  int64_t seconds = 0;
  if (absl::SimpleAtoi(text, &seconds)) {
    return absl::Seconds(std::clamp<int64_t>(seconds, 0, 24 * 3600));
  }
  const std::optional<absl::Time> date = ParseHttpDate(text);
  if (!date.has_value()) return absl::ZeroDuration();
  return std::clamp(*date - now, absl::ZeroDuration(), absl::Hours(24));
}

std::string Printable(absl::string_view text) {
  std::string line(text.substr(0, 300));
  for (char& c : line) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = ' ';
  }
  absl::RemoveExtraAsciiWhitespace(&line);
  return line;
}

absl::Status CheckRangeAnswer(const ExpectedRange& expected, const HttpResponse& response,
                              absl::string_view tag) {
  if (tag != expected.tag) {
    if (tag.empty()) return absl::DataLossError("the answer does not say which object it is of");
    return absl::FailedPreconditionError("the object was replaced since it was listed");
  }
  if (response.status == 206) {
    if (absl::Status status = CheckPartial(expected, response); !status.ok()) return status;
  } else if (expected.offset != 0 || response.bytes_into != expected.length) {
    // A whole object is right where the whole object was asked for.
    return absl::DataLossError(
        "asked for a range, the store answered with the whole object; does a proxy drop Range?");
  }
  if (response.bytes_into != expected.length) {
    return absl::DataLossError(
        absl::StrCat("got ", response.bytes_into, " bytes of ", expected.length));
  }
  return absl::OkStatus();
}

std::string RangeHeader(uint64_t offset, uint64_t length) {
  return absl::StrCat("bytes=", offset, "-", offset + length - 1);
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_HTTP_EXCHANGE_H_
#define TFSERVING_REMOTE_STORE_HTTP_EXCHANGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/net/http_client.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// How long one request to a store may take.
struct HttpTimeouts {
  absl::Duration connect = absl::Seconds(5);
  /// Longest wait for the next byte.
  absl::Duration stall = absl::Seconds(30);
  /// A request may take this long, plus the time its body takes at the slowest speed that is still
  /// worth waiting for: a store that sends one byte now and then never stalls and never ends.
  absl::Duration overhead = absl::Seconds(60);
  uint64_t slowest_bytes_per_second = 128 << 10;
};

/// One request of a store, with what messages call it.
struct StoreRequest {
  std::string verb;
  std::string url;
  HttpRequest http;
  /// As HttpCallOptions::body_into.
  absl::Span<char> body_into;
  uint64_t max_body_bytes = 1 << 20;
};

/// Sends one request. Failures without an answer come back in the words of ObjectStore; a request
/// that ran out of its own time, not out of its caller's, is UNAVAILABLE.
absl::StatusOr<HttpResponse> Exchange(HttpClient& client, Clock& clock,
                                      const HttpTimeouts& timeouts, const StoreRequest& request,
                                      const StoreCallOptions& options);

/// The header's value, or "".
absl::string_view HeaderOf(const HttpResponse& response, absl::string_view name);

/// "Fri, 24 May 2013 00:00:00 GMT".
std::optional<absl::Time> ParseHttpDate(absl::string_view text);

/// Seconds or a date; zero when the header is missing or makes no sense.
absl::Duration RetryAfter(const HttpResponse& response, absl::Time now);

/// A server's own words, fit for a line of a log: printable, at most 300 bytes.
std::string Printable(absl::string_view text);

/// What a ranged GET must bring.
struct ExpectedRange {
  uint64_t offset = 0;
  uint64_t length = 0;
  std::string tag;
};

/// Whether a 200 or 206 brought it; `tag` is the one that the answer names. Pure. DATA_LOSS,
/// OUT_OF_RANGE or FAILED_PRECONDITION with a message that says what.
absl::Status CheckRangeAnswer(const ExpectedRange& expected, const HttpResponse& response,
                              absl::string_view tag);

/// "bytes=0-9".
std::string RangeHeader(uint64_t offset, uint64_t length);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_HTTP_EXCHANGE_H_

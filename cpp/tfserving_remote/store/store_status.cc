// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/store_status.h"

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tfserving_remote {
namespace {

// "<retry 0|1> <milliseconds> <where notes go> <whether notes are there already 0|1>".
constexpr absl::string_view kPayload = "tfserving-remote/store-failure";

struct Payload {
  RetryAdvice retry;
  uint64_t notes_at = 0;
  bool has_notes = false;
};

std::string Encode(const Payload& payload) {
  return absl::StrCat(payload.retry.retry ? 1 : 0, " ",
                      absl::ToInt64Milliseconds(payload.retry.at_least), " ", payload.notes_at, " ",
                      payload.has_notes ? 1 : 0);
}

std::optional<Payload> Decode(const absl::Status& status) {
  const std::optional<absl::Cord> cord = status.GetPayload(kPayload);
  if (!cord.has_value()) return std::nullopt;
  const std::string text(*cord);
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ' ');
  int64_t milliseconds = 0;
  Payload payload;
  if (parts.size() != 4 || !absl::SimpleAtoi(parts[1], &milliseconds) ||
      !absl::SimpleAtoi(parts[2], &payload.notes_at)) {
    return std::nullopt;
  }
  payload.retry = {parts[0] == "1", absl::Milliseconds(milliseconds)};
  payload.has_notes = parts[3] == "1";
  if (payload.notes_at > status.message().size()) return std::nullopt;
  return payload;
}

}  // namespace

absl::Status ToStatus(const StoreFailure& failure) {
  Payload payload;
  payload.retry = failure.retry;
  std::string message = absl::StrCat(failure.verb, " ", failure.url, ": ", failure.what);
  payload.has_notes = !failure.request_id.empty();
  if (payload.has_notes) {
    absl::StrAppend(&message, " (");
    payload.notes_at = message.size();
    absl::StrAppend(&message, "request id ", failure.request_id, ")");
  } else {
    payload.notes_at = message.size();
  }
  if (!failure.advice.empty()) absl::StrAppend(&message, "; ", failure.advice);
  absl::Status status(failure.code, message);
  status.SetPayload(kPayload, absl::Cord(absl::string_view(Encode(payload))));
  return status;
}

absl::Status StoreError(absl::StatusCode code, absl::string_view verb, absl::string_view url,
                        absl::string_view what) {
  StoreFailure failure;
  failure.code = code;
  failure.verb = std::string(verb);
  failure.url = std::string(url);
  failure.what = std::string(what);
  if (code == absl::StatusCode::kUnavailable) failure.retry = RetryAdvice::AfterBackoff();
  return ToStatus(failure);
}

RetryAdvice RetryAdviceOf(const absl::Status& status) {
  const std::optional<Payload> payload = Decode(status);
  if (payload.has_value()) return payload->retry;
  return absl::IsUnavailable(status) ? RetryAdvice::AfterBackoff() : RetryAdvice::Never();
}

absl::Status WithAttempt(const absl::Status& status, int attempt, int of) {
  const std::string note = absl::StrCat("attempt ", attempt, " of ", of);
  std::optional<Payload> payload = Decode(status);
  if (!payload.has_value()) {
    return absl::Status(status.code(), absl::StrCat(status.message(), " (", note, ")"));
  }
  std::string message(status.message());
  message.insert(payload->notes_at,
                 payload->has_notes ? absl::StrCat(note, ", ") : absl::StrCat(" (", note, ")"));
  if (!payload->has_notes) payload->notes_at += 2;  // behind the parenthesis that stands there now
  payload->has_notes = true;
  absl::Status noted(status.code(), message);
  noted.SetPayload(kPayload, absl::Cord(absl::string_view(Encode(*payload))));
  return noted;
}

}  // namespace tfserving_remote

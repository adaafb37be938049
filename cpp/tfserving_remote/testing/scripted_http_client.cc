// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/testing/scripted_http_client.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

absl::StatusOr<HttpResponse> Deliver(ScriptedHttpClient::Answer answer,
                                     const HttpCallOptions& options) {
  if (!answer.error.ok()) return answer.error;
  HttpResponse response;
  response.status = answer.status;
  response.headers = std::move(answer.headers);
  const bool success = answer.status == 200 || answer.status == 206;
  if (success && !options.body_into.empty()) {
    if (answer.body.size() != options.body_into.size()) {
      return absl::DataLossError("the body has another length than was asked for");
    }
    std::memcpy(options.body_into.data(), answer.body.data(), answer.body.size());
    response.bytes_into = answer.body.size();
    return response;
  }
  if (answer.body.size() > options.max_body_bytes) {
    return absl::ResourceExhaustedError("the body is too long");
  }
  response.body = std::move(answer.body);
  return response;
}

}  // namespace

std::string ScriptedHttpClient::Asked::Header(absl::string_view name) const {
  return std::string(FindHeader(headers, name).value_or(""));
}

void ScriptedHttpClient::On(absl::string_view request, Answer answer) {
  absl::MutexLock lock(&mu_);
  script_[std::string(request)].push_back(std::move(answer));
}

std::vector<ScriptedHttpClient::Asked> ScriptedHttpClient::asked() const {
  absl::MutexLock lock(&mu_);
  return asked_;
}

absl::StatusOr<HttpResponse> ScriptedHttpClient::Send(const HttpRequest& request,
                                                      const HttpCallOptions& options) {
  const std::string key =
      absl::StrCat(request.method, " ", request.origin.tls ? "https://" : "http://",
                   request.origin.HostHeader(), request.target);
  Answer answer;
  {
    absl::MutexLock lock(&mu_);
    asked_.push_back({key, request.headers, options.deadline});
    const auto it = script_.find(key);
    if (it == script_.end()) return absl::UnimplementedError(absl::StrCat("no script: ", key));
    answer = it->second.front();
    if (it->second.size() > 1) it->second.pop_front();
  }
  return Deliver(std::move(answer), options);
}

}  // namespace tfserving_remote

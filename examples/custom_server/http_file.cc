// SPDX-License-Identifier: Apache-2.0
#include "http_file.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace example {
namespace {

using tfserving_remote::HttpCallOptions;
using tfserving_remote::HttpOrigin;
using tfserving_remote::HttpRequest;
using tfserving_remote::HttpResponse;

// Where the path of "scheme://host/path" begins, or the end.
size_t PathBegin(absl::string_view url) {
  const size_t host = url.find("://");
  const size_t path = host == absl::string_view::npos ? host : url.find('/', host + 3);
  return path == absl::string_view::npos ? url.size() : path;
}

absl::StatusOr<HttpRequest> MakeRequest(absl::string_view method, absl::string_view url) {
  const size_t path = PathBegin(url);
  absl::StatusOr<HttpOrigin> origin = HttpOrigin::Parse(url.substr(0, path));
  if (!origin.ok()) return origin.status();
  HttpRequest request;
  request.method = std::string(method);
  request.origin = *std::move(origin);
  request.target = path == url.size() ? "/" : std::string(url.substr(path));
  return request;
}

absl::StatusOr<HttpResponse> Send(tfserving_remote::HttpClient& http, absl::string_view method,
                                  const std::string& url,
                                  tfserving_remote::Cancellation* cancellation) {
  absl::StatusOr<HttpRequest> request = MakeRequest(method, url);
  if (!request.ok()) return request.status();
  HttpCallOptions options;
  options.deadline = absl::Now() + absl::Minutes(1);
  options.cancellation = cancellation;
  absl::StatusOr<HttpResponse> response = http.Send(*request, options);
  if (!response.ok()) {
    return absl::Status(response.status().code(),
                        absl::StrCat(url, ": ", response.status().message()));
  }
  if (response->status == 200) return response;
  const std::string answer = absl::StrCat(url, ": the server answers ", response->status);
  if (response->status == 404) return absl::NotFoundError(answer);
  return response->status >= 500 ? absl::UnavailableError(answer)
                                 : absl::FailedPreconditionError(answer);
}

}  // namespace

absl::StatusOr<std::string> ReadHttpFile(tfserving_remote::HttpClient& http, const std::string& url,
                                         tfserving_remote::Cancellation* cancellation) {
  absl::StatusOr<HttpResponse> response = Send(http, "GET", url, cancellation);
  if (!response.ok()) return response.status();
  return std::move(response->body);
}

absl::StatusOr<uint64_t> HttpFileSize(tfserving_remote::HttpClient& http, const std::string& url) {
  const absl::StatusOr<HttpResponse> response = Send(http, "HEAD", url, nullptr);
  if (!response.ok()) return response.status();
  const std::optional<absl::string_view> length =
      tfserving_remote::FindHeader(response->headers, "Content-Length");
  uint64_t bytes = 0;
  if (!length || !absl::SimpleAtoi(*length, &bytes)) {
    return absl::FailedPreconditionError(absl::StrCat(url, ": the server does not tell its size"));
  }
  return bytes;
}

std::string ResolveUrl(absl::string_view base, absl::string_view path) {
  if (path.find("://") != absl::string_view::npos) return std::string(path);
  const size_t top = PathBegin(base);
  if (!path.empty() && path.front() == '/') return absl::StrCat(base.substr(0, top), path);
  const size_t slash = base.rfind('/');
  const bool in_folder = slash != absl::string_view::npos && slash >= top;
  return absl::StrCat(in_folder ? base.substr(0, slash) : base, "/", path);
}

absl::Status CheckUrl(absl::string_view url) { return MakeRequest("GET", url).status(); }

}  // namespace example

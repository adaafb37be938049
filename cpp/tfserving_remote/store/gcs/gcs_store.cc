// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/gcs/gcs_store.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/store/http_judgement.h"
#include "tfserving_remote/store/listing.h"
#include "tfserving_remote/store/percent_encoding.h"
#include "tfserving_remote/store/store_status.h"

namespace tfserving_remote {
namespace {

constexpr uint64_t kMaxPageBytes = 16 << 20;
constexpr uint64_t kMaxErrorBytes = 256 << 10;
constexpr char kGzip[] = "gzip";

// GCS decompresses an object on the way when it is stored compressed and nobody said that gzip is
// fine. It ignores Range then.
bool WasDecompressed(const HttpResponse& response) {
  return absl::EqualsIgnoreCase(HeaderOf(response, "x-goog-stored-content-encoding"), kGzip) &&
         !absl::EqualsIgnoreCase(HeaderOf(response, "Content-Encoding"), kGzip);
}

// And it may compress one that is not, when gzip was said to be fine.
bool WasCompressed(const HttpResponse& response) {
  const absl::string_view stored = HeaderOf(response, "x-goog-stored-content-encoding");
  return absl::EqualsIgnoreCase(HeaderOf(response, "Content-Encoding"), kGzip) && !stored.empty() &&
         !absl::EqualsIgnoreCase(stored, kGzip);
}

absl::Status DecompressedError() {
  return absl::DataLossError(
      "the store decompresses the object on the way, so its bytes are not those that were "
      "published; remove its Content-Encoding: gzip metadata");
}

}  // namespace

GcsStore::GcsStore(GcsOptions options, std::string bucket, std::shared_ptr<HttpClient> http,
                   std::shared_ptr<CredentialsProvider> credentials, Clock& clock)
    : options_(std::move(options)),
      bucket_(std::move(bucket)),
      http_(std::move(http)),
      credentials_(std::move(credentials)),
      clock_(clock) {}

std::string GcsStore::Url(absl::string_view key) const {
  return absl::StrCat("gs://", bucket_, "/", key);
}

absl::Status GcsStore::Error(absl::string_view verb, absl::string_view key,
                             const absl::Status& what) const {
  return StoreError(what.code(), verb, Url(key), what.message());
}

absl::StatusOr<StoreRequest> GcsStore::Prepare(const Call& call,
                                               const Credentials& credentials) const {
  const absl::StatusOr<HttpOrigin> origin = HttpOrigin::Parse(options_.endpoint);
  if (!origin.ok()) return origin.status();
  std::vector<std::pair<std::string, std::string>> query = call.query;
  if (!options_.user_project.empty()) query.emplace_back("userProject", options_.user_project);
  StoreRequest request;
  request.verb = call.verb;
  request.url = Url(call.name);
  request.http.origin = *origin;
  request.http.target = absl::StrCat(call.path, query.empty() ? "" : "?", EncodeQuery(query));
  request.http.headers = call.headers;
  if (!credentials.anonymous()) {
    request.http.headers.push_back(
        {"Authorization", absl::StrCat("Bearer ", credentials.bearer_token)});
  }
  request.body_into = call.body_into;
  request.max_body_bytes = call.max_body_bytes;
  return request;
}

absl::StatusOr<HttpResponse> GcsStore::Send(const Call& call, const StoreCallOptions& options) {
  for (bool first = true;; first = false) {
    const auto credentials = credentials_->Get(options);
    if (!credentials.ok()) return Error(call.verb, call.name, credentials.status());
    const absl::StatusOr<StoreRequest> request = Prepare(call, **credentials);
    if (!request.ok()) return Error(call.verb, call.name, request.status());
    absl::StatusOr<HttpResponse> response =
        Exchange(*http_, clock_, options_.timeouts, *request, options);
    if (!response.ok() || response->status / 100 == 2) return response;
    const Verdict verdict =
        JudgeHttp(StoreKind::kGcs, response->status, ParseGcsError(response->body).reason);
    const bool heal = first && verdict.remedy == Remedy::kAfterCredentialsRefresh &&
                      credentials_->Invalidate(*credentials);
    if (!heal) return Describe(call, *response, **credentials);
  }
}

absl::Status GcsStore::Describe(const Call& call, const HttpResponse& response,
                                const Credentials& credentials) const {
  const GcsErrorBody error = ParseGcsError(response.body);
  const Verdict verdict = JudgeHttp(StoreKind::kGcs, response.status, error.reason);
  StoreFailure failure;
  failure.code = verdict.code;
  failure.verb = call.verb;
  failure.url = Url(call.name);
  failure.what = absl::StrCat(verdict.what, ": HTTP ", response.status);
  if (!error.reason.empty()) absl::StrAppend(&failure.what, " ", Printable(error.reason));
  if (!error.message.empty()) {
    absl::StrAppend(&failure.what, ", ", Printable(WithoutSecrets(error.message, credentials)));
  }
  failure.request_id = Printable(HeaderOf(response, "x-guploader-uploadid"));
  failure.advice = std::string(verdict.advice);
  if (verdict.remedy == Remedy::kAfterBackoff) {
    failure.retry = RetryAdvice::AfterBackoff(RetryAfter(response, clock_.Now()));
  }
  return ToStatus(failure);
}

absl::StatusOr<Listing> GcsStore::List(absl::string_view prefix, ListDepth depth,
                                       const StoreCallOptions& options) {
  if (absl::Status status = CheckListPrefix(prefix); !status.ok()) return status;
  const auto get_page = [&](const std::string& token) -> absl::StatusOr<ListPage> {
    Call call;
    call.verb = "LIST";
    call.name = std::string(prefix);
    call.path = absl::StrCat("/storage/v1/b/", PercentEncode(bucket_, Slash::kEncode), "/o");
    call.query = {{"prefix", call.name},
                  {"maxResults", "1000"},
                  {"fields", "items(name,size,generation),prefixes,nextPageToken"}};
    if (depth == ListDepth::kOneLevel) call.query.emplace_back("delimiter", "/");
    if (!token.empty()) call.query.emplace_back("pageToken", token);
    call.max_body_bytes = kMaxPageBytes;
    const absl::StatusOr<HttpResponse> response = Send(call, options);
    if (!response.ok()) return response.status();
    absl::StatusOr<ListPage> page = ParseGcsListPage(response->body);
    if (!page.ok()) return Error("LIST", prefix, absl::DataLossError(page.status().message()));
    return page;
  };
  return CollectPages(prefix, Url(prefix), options_.max_listed_objects, get_page);
}

absl::StatusOr<GcsObject> GcsStore::Metadata(absl::string_view key,
                                             const StoreCallOptions& options) {
  Call call;
  call.verb = "HEAD";
  call.name = std::string(key);
  call.path = absl::StrCat("/storage/v1/b/", PercentEncode(bucket_, Slash::kEncode), "/o/",
                           PercentEncode(key, Slash::kEncode));
  call.query = {{"fields", "name,size,generation,contentEncoding"}};
  const absl::StatusOr<HttpResponse> response = Send(call, options);
  if (!response.ok()) return response.status();
  absl::StatusOr<GcsObject> object = ParseGcsObject(response->body);
  if (!object.ok()) return Error("HEAD", key, absl::DataLossError(object.status().message()));
  return object;
}

absl::StatusOr<ObjectInfo> GcsStore::Head(absl::string_view key, const StoreCallOptions& options) {
  absl::StatusOr<GcsObject> object = Metadata(key, options);
  if (!object.ok()) return object.status();
  return std::move(object->info);
}

GcsStore::Call GcsStore::MediaCall(absl::string_view key, bool stored_gzip) const {
  Call call;
  call.verb = "GET";
  call.name = std::string(key);
  call.path = absl::StrCat("/download/storage/v1/b/", PercentEncode(bucket_, Slash::kEncode), "/o/",
                           PercentEncode(key, Slash::kEncode));
  call.query = {{"alt", "media"}};
  if (stored_gzip) call.headers.push_back({"Accept-Encoding", kGzip});
  return call;
}

absl::Status GcsStore::ReadOnce(const Call& call, absl::string_view tag, uint64_t offset,
                                const StoreCallOptions& options) {
  const absl::StatusOr<HttpResponse> response = Send(call, options);
  if (!response.ok()) return response.status();
  if (WasDecompressed(*response) || WasCompressed(*response)) {
    return Error("GET", call.name, DecompressedError());
  }
  const ExpectedRange expected{offset, call.body_into.size(), std::string(tag)};
  const absl::Status checked =
      CheckRangeAnswer(expected, *response, HeaderOf(*response, "x-goog-generation"));
  return checked.ok() ? checked : Error("GET", call.name, checked);
}

absl::Status GcsStore::Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                            absl::Span<char> into, const StoreCallOptions& options) {
  if (tag.empty()) return Error("GET", key, absl::InvalidArgumentError("a read without a tag"));
  if (into.empty()) return absl::OkStatus();
  const auto call_for = [&](bool stored_gzip) {
    Call call = MediaCall(key, stored_gzip);
    call.query.emplace_back("ifGenerationMatch", std::string(tag));
    call.headers.push_back({"Range", RangeHeader(offset, into.size())});
    call.body_into = into;
    return call;
  };
  const absl::Status status = ReadOnce(call_for(false), tag, offset, options);
  if (!absl::IsDataLoss(status)) return status;
  // A wrong number of bytes: because the connection broke, because the object has no more, or
  // because it was decompressed on the way.
  const absl::StatusOr<GcsObject> now = Metadata(key, options);
  if (!now.ok() || now->info.tag != tag) return status;
  if (now->info.size < offset + into.size()) {
    return Error("GET", key,
                 absl::OutOfRangeError(absl::StrCat("the object ends at byte ", now->info.size,
                                                    ", before the range that was asked for")));
  }
  if (!absl::EqualsIgnoreCase(now->content_encoding, kGzip)) return status;
  return ReadOnce(call_for(true), tag, offset, options);
}

absl::StatusOr<ObjectStore::Content> GcsStore::ReadAll(absl::string_view key, uint64_t max_bytes,
                                                       const StoreCallOptions& options) {
  Call call = MediaCall(key, false);
  call.max_body_bytes = std::max(max_bytes, kMaxErrorBytes);
  absl::StatusOr<HttpResponse> response = Send(call, options);
  if (response.ok() && WasDecompressed(*response)) {
    call.headers.push_back({"Accept-Encoding", kGzip});
    response = Send(call, options);
  }
  if (!response.ok()) return response.status();
  if (WasDecompressed(*response) || WasCompressed(*response)) {
    return Error("GET", key, DecompressedError());
  }
  if (response->body.size() > max_bytes) {
    return Error("GET", key,
                 absl::ResourceExhaustedError(
                     absl::StrCat("has ", response->body.size(), " bytes, more than ", max_bytes)));
  }
  Content content;
  content.info.key = std::string(key);
  content.info.size = response->body.size();
  content.info.tag = std::string(HeaderOf(*response, "x-goog-generation"));
  if (content.info.tag.empty() || response->status != 200) {
    return Error("GET", key, absl::DataLossError("the answer is no whole object of a generation"));
  }
  content.bytes = std::move(response->body);
  return content;
}

std::shared_ptr<CredentialsProvider> GcsCredentialsProvider(const GcsOptions& options,
                                                            CredentialsFetcher fetch, Clock& clock,
                                                            LogSink& log) {
  if (options.anonymous) return StaticCredentials({});
  if (fetch == nullptr) fetch = HelperFetcher(Cloud::kGcs, options.helper);
  return std::make_shared<CachedCredentials>(std::move(fetch), CachedCredentialsOptions(), clock,
                                             log);
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/s3/s3_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/store/listing.h"
#include "tfserving_remote/store/paged_listing.h"
#include "tfserving_remote/store/s3/s3_xml.h"
#include "tfserving_remote/store/store_status.h"

namespace tfserving_remote {
namespace {

// A page shows 1000 names of at most 1024 bytes each, which encoding makes three times as long.
constexpr uint64_t kMaxPageBytes = 16 << 20;
// Room for the reason when a small object is asked for and an error comes.
constexpr uint64_t kMaxErrorBytes = 256 << 10;

}  // namespace

S3Store::S3Store(S3Options options, std::string bucket, std::shared_ptr<HttpClient> http,
                 std::shared_ptr<CredentialsProvider> credentials, Clock& clock, LogSink& log)
    : max_listed_objects_(options.max_listed_objects),
      caller_(std::move(options), std::move(bucket), std::move(http), std::move(credentials), clock,
              log) {}

absl::Status S3Store::Error(absl::string_view verb, absl::string_view key,
                            const absl::Status& what) const {
  return StoreError(what.code(), verb, Url(key), what.message());
}

absl::StatusOr<Listing> S3Store::List(absl::string_view prefix, ListDepth depth,
                                      const StoreCallOptions& options) {
  if (absl::Status status = CheckListPrefix(prefix); !status.ok()) return status;
  const auto get_page = [&](const std::string& token) -> absl::StatusOr<ListPage> {
    S3Call call;
    call.verb = "LIST";
    call.prefix = std::string(prefix);
    call.query = {{"list-type", "2"},
                  {"encoding-type", "url"},
                  {"max-keys", "1000"},
                  {"prefix", std::string(prefix)}};
    if (depth == ListDepth::kOneLevel) call.query.emplace_back("delimiter", "/");
    if (!token.empty()) call.query.emplace_back("continuation-token", token);
    call.max_body_bytes = kMaxPageBytes;
    const absl::StatusOr<HttpResponse> response = caller_.Call(call, options);
    if (!response.ok()) return response.status();
    absl::StatusOr<S3ListPage> page = ParseS3ListPage(response->body);
    if (!page.ok()) {
      return Error("LIST", prefix, absl::DataLossError(page.status().message()));
    }
    return ListPage{std::move(page->listing), std::move(page->continuation_token)};
  };
  return CollectPages(prefix, Url(prefix), max_listed_objects_, get_page);
}

absl::StatusOr<ObjectInfo> S3Store::Head(absl::string_view key, const StoreCallOptions& options) {
  S3Call call;
  call.verb = "HEAD";
  call.method = "HEAD";
  call.key = std::string(key);
  const absl::StatusOr<HttpResponse> response = caller_.Call(call, options);
  if (!response.ok()) return response.status();
  ObjectInfo info;
  info.key = std::string(key);
  info.tag = TagOfETag(HeaderOf(*response, "ETag"));
  if (info.tag.empty() || !absl::SimpleAtoi(HeaderOf(*response, "Content-Length"), &info.size)) {
    return Error("HEAD", key, absl::DataLossError("the answer has no ETag or no Content-Length"));
  }
  return info;
}

absl::Status S3Store::Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                           absl::Span<char> into, const StoreCallOptions& options) {
  if (tag.empty()) return Error("GET", key, absl::InvalidArgumentError("a read without a tag"));
  if (into.empty()) return absl::OkStatus();
  S3Call call;
  call.key = std::string(key);
  call.headers = {{"Range", RangeHeader(offset, into.size())},
                  {"If-Match", absl::StrCat("\"", tag, "\"")}};
  call.body_into = into;
  const absl::StatusOr<HttpResponse> response = caller_.Call(call, options);
  if (!response.ok()) {
    if (!absl::IsDataLoss(response.status())) return response.status();
    // Too few bytes: because the connection broke, which may be tried again, or because the object
    // has no more.
    const absl::StatusOr<ObjectInfo> now = Head(key, options);
    if (!now.ok() || now->tag != tag || now->size >= offset + into.size()) {
      return response.status();
    }
    return Error("GET", key,
                 absl::OutOfRangeError(absl::StrCat("the object ends at byte ", now->size,
                                                    ", before the range that was asked for")));
  }
  const absl::Status checked = CheckRangeAnswer({offset, into.size(), std::string(tag)}, *response,
                                                TagOfETag(HeaderOf(*response, "ETag")));
  return checked.ok() ? checked : Error("GET", key, checked);
}

absl::StatusOr<ObjectStore::Content> S3Store::ReadAll(absl::string_view key, uint64_t max_bytes,
                                                      const StoreCallOptions& options) {
  S3Call call;
  call.key = std::string(key);
  call.max_body_bytes = std::max(max_bytes, kMaxErrorBytes);
  absl::StatusOr<HttpResponse> response = caller_.Call(call, options);
  if (!response.ok()) return response.status();
  if (response->body.size() > max_bytes) {
    return Error("GET", key,
                 absl::ResourceExhaustedError(
                     absl::StrCat("has ", response->body.size(), " bytes, more than ", max_bytes)));
  }
  Content content;
  content.info.key = std::string(key);
  content.info.size = response->body.size();
  content.info.tag = TagOfETag(HeaderOf(*response, "ETag"));
  if (content.info.tag.empty() || response->status != 200) {
    return Error("GET", key, absl::DataLossError("the answer is no whole object with an ETag"));
  }
  content.bytes = std::move(response->body);
  return content;
}

std::shared_ptr<CredentialsProvider> S3CredentialsProvider(const S3Options& options,
                                                           CredentialsFetcher fetch, Clock& clock,
                                                           LogSink& log) {
  if (options.static_credentials.has_value()) return StaticCredentials(*options.static_credentials);
  if (options.anonymous) return StaticCredentials({});
  if (fetch == nullptr) fetch = HelperFetcher(Cloud::kAws, options.helper);
  return std::make_shared<CachedCredentials>(std::move(fetch), CachedCredentialsOptions(), clock,
                                             log);
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/s3/s3_caller.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/store/http_judgement.h"
#include "tfserving_remote/store/percent_encoding.h"
#include "tfserving_remote/store/s3/s3_xml.h"
#include "tfserving_remote/store/s3/sigv4.h"
#include "tfserving_remote/store/store_status.h"

namespace tfserving_remote {
namespace {

// AWS refuses what is 15 minutes off. An answer without a reason is blamed on the clock from here.
constexpr absl::Duration kSuspiciousSkew = absl::Minutes(10);

absl::string_view NameOf(const S3Call& call) { return call.key.empty() ? call.prefix : call.key; }

bool IsSuccess(int http_status) { return http_status >= 200 && http_status < 300; }

}  // namespace

struct S3Caller::Failure {
  int http_status = 0;
  S3ErrorBody error;
  Verdict verdict;
  absl::Duration retry_after;
  // How far the store's clock is ahead of ours, when its answer tells.
  std::optional<absl::Duration> ahead;
};

S3Caller::S3Caller(S3Options options, std::string bucket, std::shared_ptr<HttpClient> http,
                   std::shared_ptr<CredentialsProvider> credentials, Clock& clock, LogSink& log)
    : options_(std::move(options)),
      bucket_(std::move(bucket)),
      http_(std::move(http)),
      credentials_(std::move(credentials)),
      clock_(clock),
      log_(log) {}

std::string S3Caller::Url(absl::string_view key) const {
  return absl::StrCat("s3://", bucket_, "/", key);
}

S3Caller::Session S3Caller::CurrentSession(const Credentials& credentials) const {
  absl::MutexLock lock(&mu_);
  Session session{bucket_region_, clock_correction_};
  if (session.region.empty()) session.region = options_.region;
  if (session.region.empty() && IsRegionName(credentials.region)) {
    session.region = credentials.region;
  }
  if (session.region.empty()) session.region = "us-east-1";
  return session;
}

absl::StatusOr<StoreRequest> S3Caller::Sign(const S3Call& call, const Session& session,
                                            const Credentials& credentials) {
  const absl::StatusOr<S3Address> address = S3AddressOf(options_, bucket_, session.region);
  if (!address.ok()) return address.status();
  SigV4Request to_sign;
  to_sign.method = call.method;
  to_sign.path =
      call.key.empty() && !address->path_prefix.empty()
          ? address->path_prefix
          : absl::StrCat(address->path_prefix, "/", PercentEncode(call.key, Slash::kKeep));
  to_sign.query = EncodeQuery(call.query);
  if (!call.body.empty()) to_sign.payload_sha256 = Sha256Hex(call.body);

  StoreRequest request;
  request.verb = call.verb;
  request.url = Url(NameOf(call));
  request.http.method = call.method;
  request.http.origin = address->origin;
  request.http.target = absl::StrCat(to_sign.path, to_sign.query.empty() ? "" : "?", to_sign.query);
  request.http.headers = call.headers;
  request.http.body = call.body;
  request.body_into = call.body_into;
  request.max_body_bytes = call.max_body_bytes;
  std::vector<HttpHeader>& headers = request.http.headers;
  if (options_.requester_pays) headers.push_back({"x-amz-request-payer", "requester"});
  if (credentials.anonymous()) return request;

  const absl::Time now = clock_.Now() + session.clock_correction;
  headers.push_back({"x-amz-content-sha256", to_sign.payload_sha256});
  headers.push_back({"x-amz-date", SigV4Time(now)});
  if (!credentials.session_token.empty()) {
    headers.push_back({"x-amz-security-token", credentials.session_token});
  }
  to_sign.headers = headers;
  to_sign.headers.push_back({"Host", address->origin.HostHeader()});
  const SigV4Key key{credentials.access_key_id, credentials.secret_access_key, session.region};
  headers.push_back({"Authorization", SigV4Authorization(to_sign, key, now)});
  return request;
}

S3Caller::Failure S3Caller::Understand(const HttpResponse& response, const Session& session) {
  Failure failure;
  failure.http_status = response.status;
  failure.error = ParseS3Error(response.body);
  if (failure.error.request_id.empty()) {
    failure.error.request_id = std::string(HeaderOf(response, "x-amz-request-id"));
  }
  if (const absl::string_view region = HeaderOf(response, "x-amz-bucket-region"); !region.empty()) {
    failure.error.region = std::string(region);
  }
  const absl::Time now = clock_.Now();
  failure.retry_after = RetryAfter(response, now);
  if (const std::optional<absl::Time> date = ParseHttpDate(HeaderOf(response, "Date"))) {
    failure.ahead = *date - now;
  }
  std::string code = failure.error.code;
  // Answers to HEAD have no body; these two can be told from their headers.
  if (code.empty() && (response.status == 400 || response.status == 403)) {
    if (failure.ahead.has_value() &&
        absl::AbsDuration(*failure.ahead - session.clock_correction) > kSuspiciousSkew) {
      code = "RequestTimeTooSkewed";
    } else if (response.status == 400 && IsRegionName(failure.error.region) &&
               failure.error.region != session.region) {
      code = "PermanentRedirect";
    }
  }
  failure.verdict = JudgeHttp(StoreKind::kS3, response.status, code);
  return failure;
}

bool S3Caller::Heal(const Failure& failure, const std::shared_ptr<const Credentials>& credentials,
                    const Session& session, Tried& tried) {
  switch (failure.verdict.remedy) {
    case Remedy::kAfterCredentialsRefresh:
      if (tried.credentials) return false;
      tried.credentials = true;
      return credentials_->Invalidate(credentials);
    case Remedy::kAtOtherRegion: {
      const std::string& region = failure.error.region;
      if (tried.region || !IsRegionName(region) || region == session.region) return false;
      tried.region = true;
      {
        absl::MutexLock lock(&mu_);
        bucket_region_ = region;
      }
      log_.Log(Severity::kInfo,
               absl::StrCat("s3://", bucket_, " lies in region ", region, ", not ", session.region,
                            "; AWS_REGION=", region, " saves a request"));
      return true;
    }
    case Remedy::kAfterClockCorrection: {
      if (tried.clock || !failure.ahead.has_value()) return false;
      tried.clock = true;
      {
        absl::MutexLock lock(&mu_);
        clock_correction_ = *failure.ahead;
      }
      log_.Log(Severity::kWarning,
               absl::StrCat("the store's clock is ", absl::FormatDuration(*failure.ahead),
                            " ahead of this machine's; requests are signed with the store's time"));
      return true;
    }
    case Remedy::kNever:
    case Remedy::kAfterBackoff:
      return false;
  }
  return false;
}

absl::Status S3Caller::Describe(const S3Call& call, const Failure& failure,
                                const Credentials& credentials) const {
  StoreFailure told;
  told.code = failure.verdict.code;
  told.verb = call.verb;
  told.url = Url(NameOf(call));
  told.request_id = Printable(failure.error.request_id);
  told.what = absl::StrCat(failure.verdict.what, ": HTTP ", failure.http_status);
  if (!failure.error.code.empty()) {
    absl::StrAppend(&told.what, " ", Printable(failure.error.code));
  }
  if (!failure.error.message.empty()) {
    absl::StrAppend(&told.what, ", ",
                    Printable(WithoutSecrets(failure.error.message, credentials)));
  }
  told.advice = std::string(failure.verdict.advice);
  if (failure.verdict.remedy == Remedy::kAtOtherRegion && IsRegionName(failure.error.region)) {
    absl::StrAppend(&told.advice, ", ", failure.error.region);
  }
  if (told.code == absl::StatusCode::kUnavailable) {
    told.retry = RetryAdvice::AfterBackoff(failure.retry_after);
  }
  return ToStatus(told);
}

absl::StatusOr<HttpResponse> S3Caller::Call(const S3Call& call, const StoreCallOptions& options) {
  Tried tried;
  while (true) {
    const auto credentials = credentials_->Get(options);
    if (!credentials.ok()) {
      return StoreError(credentials.status().code(), call.verb, Url(NameOf(call)),
                        credentials.status().message());
    }
    const Session session = CurrentSession(**credentials);
    const absl::StatusOr<StoreRequest> request = Sign(call, session, **credentials);
    if (!request.ok()) {
      return StoreError(request.status().code(), call.verb, Url(NameOf(call)),
                        request.status().message());
    }
    absl::StatusOr<HttpResponse> response =
        Exchange(*http_, clock_, options_.timeouts, *request, options);
    if (!response.ok() || IsSuccess(response->status)) return response;
    const Failure failure = Understand(*response, session);
    if (!Heal(failure, *credentials, session, tried)) {
      return Describe(call, failure, **credentials);
    }
  }
}

}  // namespace tfserving_remote

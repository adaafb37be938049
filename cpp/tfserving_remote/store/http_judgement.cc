// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/http_judgement.h"

#include "absl/strings/match.h"

namespace tfserving_remote {
namespace {

constexpr char kAny[] = "*";

// A row holds for one error code ("*": any; a trailing '*': every code that begins so) and one
// status (0: any; 4 or 5: every 4xx or 5xx).
struct Row {
  absl::string_view error_code;
  int http_status;
  Verdict verdict;
};

using absl::StatusCode;

constexpr absl::string_view kBusy = "the store is busy or has trouble";
constexpr absl::string_view kMissing = "no such object";
constexpr absl::string_view kReplaced = "the object was replaced since it was listed";
constexpr absl::string_view kShort = "the object ends before the range that was asked for";
constexpr absl::string_view kWrongRegion = "the bucket lies in another region";
constexpr absl::string_view kSetRegion = "set AWS_REGION to the bucket's region";
constexpr absl::string_view kExpired = "the session token is expired or not valid";
constexpr absl::string_view kRenewToken =
    "renew the credentials; those from a profile, a role or the platform are renewed by themselves";
constexpr absl::string_view kS3Denied =
    "allow these credentials s3:GetObject and s3:ListBucket, and kms:Decrypt when the objects are "
    "encrypted with KMS; without s3:ListBucket a missing object looks like this too";
constexpr absl::string_view kSetClock = "set this machine's clock (NTP)";

// The first row that fits decides.
constexpr Row kS3Rows[] = {
    {"NoSuchBucket",
     0,
     {StatusCode::kNotFound, Remedy::kNever, "the bucket does not exist",
      "check the bucket's name, and AWS_ENDPOINT_URL_S3 when the store is not AWS"}},
    {"NoSuchKey", 0, {StatusCode::kNotFound, Remedy::kNever, kMissing, ""}},
    {"NoSuchVersion", 0, {StatusCode::kNotFound, Remedy::kNever, kMissing, ""}},
    {"InvalidAccessKeyId",
     0,
     {StatusCode::kUnauthenticated, Remedy::kAfterCredentialsRefresh,
      "the store does not know this access key",
      "check AWS_ACCESS_KEY_ID, and that it belongs to this store's endpoint"}},
    {"SignatureDoesNotMatch",
     0,
     {StatusCode::kUnauthenticated, Remedy::kAfterCredentialsRefresh, "the signature is wrong",
      "check AWS_SECRET_ACCESS_KEY; a proxy that rewrites paths or the Host header breaks "
      "signatures too"}},
    {"ExpiredToken",
     0,
     {StatusCode::kUnauthenticated, Remedy::kAfterCredentialsRefresh, kExpired, kRenewToken}},
    {"InvalidToken",
     0,
     {StatusCode::kUnauthenticated, Remedy::kAfterCredentialsRefresh, kExpired, kRenewToken}},
    {"TokenRefreshRequired",
     0,
     {StatusCode::kUnauthenticated, Remedy::kAfterCredentialsRefresh, kExpired, kRenewToken}},
    {"RequestTimeTooSkewed",
     0,
     {StatusCode::kUnauthenticated, Remedy::kAfterClockCorrection,
      "this machine's clock differs too much from the store's", kSetClock}},
    {"RequestExpired",
     0,
     {StatusCode::kUnauthenticated, Remedy::kAfterClockCorrection,
      "this machine's clock differs too much from the store's", kSetClock}},
    {"AuthorizationHeaderMalformed",
     0,
     {StatusCode::kInvalidArgument, Remedy::kAtOtherRegion, kWrongRegion, kSetRegion}},
    {"PermanentRedirect",
     0,
     {StatusCode::kInvalidArgument, Remedy::kAtOtherRegion, kWrongRegion, kSetRegion}},
    {"TemporaryRedirect",
     0,
     {StatusCode::kUnavailable, Remedy::kAtOtherRegion, kWrongRegion, kSetRegion}},
    {"InvalidBucketName",
     0,
     {StatusCode::kInvalidArgument, Remedy::kNever, "the store does not allow such a bucket name",
      ""}},
    {"InvalidObjectState",
     0,
     {StatusCode::kPermissionDenied, Remedy::kNever, "the object lies in an archive storage class",
      "restore it, or copy it to a storage class that can be read at once"}},
    {"KMS.Throttling*", 0, {StatusCode::kUnavailable, Remedy::kAfterBackoff, kBusy, ""}},
    {"KMS.*",
     0,
     {StatusCode::kPermissionDenied, Remedy::kNever, "the object's KMS key cannot be used",
      "check that the key is enabled and allows these credentials kms:Decrypt"}},
    {"AccessDenied",
     0,
     {StatusCode::kPermissionDenied, Remedy::kNever, "access denied", kS3Denied}},
    {"AllAccessDisabled",
     0,
     {StatusCode::kPermissionDenied, Remedy::kNever, "access to the bucket is disabled", ""}},
    {"PreconditionFailed", 0, {StatusCode::kFailedPrecondition, Remedy::kNever, kReplaced, ""}},
    {"InvalidRange", 0, {StatusCode::kOutOfRange, Remedy::kNever, kShort, ""}},
    {"RequestTimeout", 0, {StatusCode::kUnavailable, Remedy::kAfterBackoff, kBusy, ""}},
    {"SlowDown",
     0,
     {StatusCode::kUnavailable, Remedy::kAfterBackoff, "the store asks to slow down",
      "fewer --remote_connections help when this stays"}},
    {"Throttling*", 0, {StatusCode::kUnavailable, Remedy::kAfterBackoff, kBusy, ""}},
    {"RequestLimitExceeded", 0, {StatusCode::kUnavailable, Remedy::kAfterBackoff, kBusy, ""}},
    {"InternalError", 0, {StatusCode::kUnavailable, Remedy::kAfterBackoff, kBusy, ""}},
    {"OperationAborted", 0, {StatusCode::kUnavailable, Remedy::kAfterBackoff, kBusy, ""}},
    {kAny, 301, {StatusCode::kInvalidArgument, Remedy::kAtOtherRegion, kWrongRegion, kSetRegion}},
    {kAny, 307, {StatusCode::kUnavailable, Remedy::kAtOtherRegion, kWrongRegion, kSetRegion}},
    // Answers to HEAD carry no reason. An expired token and a wrong region both come as 400.
    {"",
     400,
     {StatusCode::kUnauthenticated, Remedy::kAfterCredentialsRefresh,
      "the store refuses the request without a reason",
      "an expired session token and a wrong AWS_REGION are the usual ones"}},
    {kAny, 403, {StatusCode::kPermissionDenied, Remedy::kNever, "access denied", kS3Denied}},
};

constexpr absl::string_view kGcsDenied =
    "allow these credentials storage.objects.get and storage.objects.list (role Storage Object "
    "Viewer)";

constexpr Row kGcsRows[] = {
    {"rateLimitExceeded", 0, {StatusCode::kUnavailable, Remedy::kAfterBackoff, kBusy, ""}},
    {"userRateLimitExceeded", 0, {StatusCode::kUnavailable, Remedy::kAfterBackoff, kBusy, ""}},
    {"backendError", 0, {StatusCode::kUnavailable, Remedy::kAfterBackoff, kBusy, ""}},
    {"conditionNotMet", 0, {StatusCode::kFailedPrecondition, Remedy::kNever, kReplaced, ""}},
    {"requestedRangeNotSatisfiable", 0, {StatusCode::kOutOfRange, Remedy::kNever, kShort, ""}},
    {"userProjectMissing",
     0,
     {StatusCode::kPermissionDenied, Remedy::kNever, "the bucket lets the requester pay",
      "name the project that pays in TFSR_GCS_USER_PROJECT"}},
    {"required",
     401,
     {StatusCode::kUnauthenticated, Remedy::kAfterCredentialsRefresh, "no credentials were sent",
      "set GOOGLE_APPLICATION_CREDENTIALS, or TFSR_GCS_ANONYMOUS=true for a public bucket"}},
    {kAny, 403, {StatusCode::kPermissionDenied, Remedy::kNever, "access denied", kGcsDenied}},
};

constexpr Row kCommonRows[] = {
    {kAny,
     401,
     {StatusCode::kUnauthenticated, Remedy::kAfterCredentialsRefresh,
      "the store does not accept these credentials",
      "check that they are meant for this store and not expired"}},
    {kAny, 404, {StatusCode::kNotFound, Remedy::kNever, kMissing, ""}},
    {kAny, 408, {StatusCode::kUnavailable, Remedy::kAfterBackoff, kBusy, ""}},
    {kAny, 409, {StatusCode::kUnavailable, Remedy::kAfterBackoff, kBusy, ""}},
    {kAny, 410, {StatusCode::kNotFound, Remedy::kNever, kMissing, ""}},
    {kAny, 412, {StatusCode::kFailedPrecondition, Remedy::kNever, kReplaced, ""}},
    {kAny, 416, {StatusCode::kOutOfRange, Remedy::kNever, kShort, ""}},
    {kAny, 425, {StatusCode::kUnavailable, Remedy::kAfterBackoff, kBusy, ""}},
    {kAny,
     429,
     {StatusCode::kUnavailable, Remedy::kAfterBackoff, "the store asks to slow down", ""}},
    {kAny,
     501,
     {StatusCode::kUnimplemented, Remedy::kNever, "the store does not know such a request",
      "check the endpoint"}},
    {kAny, 5, {StatusCode::kUnavailable, Remedy::kAfterBackoff, kBusy, ""}},
    {kAny, 4, {StatusCode::kInvalidArgument, Remedy::kNever, "the store refuses the request", ""}},
    {kAny,
     3,
     {StatusCode::kInvalidArgument, Remedy::kNever, "the store redirects, which is not followed",
      "check the endpoint"}},
    {kAny,
     0,
     {StatusCode::kDataLoss, Remedy::kNever, "this is no answer to what was asked",
      "check that the endpoint is an object store"}},
};

bool CodeFits(absl::string_view pattern, absl::string_view code) {
  if (!pattern.empty() && pattern.back() == '*') {
    return absl::StartsWith(code, pattern.substr(0, pattern.size() - 1));
  }
  return pattern == code;
}

bool StatusFits(int pattern, int http_status) {
  if (pattern == 0) return true;
  return pattern < 10 ? pattern == http_status / 100 : pattern == http_status;
}

template <size_t N>
const Row* FindRow(const Row (&rows)[N], int http_status, absl::string_view error_code) {
  for (const Row& row : rows) {
    if (StatusFits(row.http_status, http_status) && CodeFits(row.error_code, error_code)) {
      return &row;
    }
  }
  return nullptr;
}

}  // namespace

Verdict JudgeHttp(StoreKind store, int http_status, absl::string_view error_code) {
  const Row* row = store == StoreKind::kS3 ? FindRow(kS3Rows, http_status, error_code)
                                           : FindRow(kGcsRows, http_status, error_code);
  if (row == nullptr) row = FindRow(kCommonRows, http_status, error_code);
  return row->verdict;
}

}  // namespace tfserving_remote

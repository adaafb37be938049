// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/s3/s3_options.h"

#include <initializer_list>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tfserving_remote/store/percent_encoding.h"

namespace tfserving_remote {
namespace {

// The first of these variables that is set and not empty; notes which one.
std::string FirstOf(const EnvironmentReader& environment, absl::string_view setting,
                    std::initializer_list<absl::string_view> names, S3Options& options) {
  for (const absl::string_view name : names) {
    std::string value = ReadEnvironment(environment, name);
    if (value.empty()) continue;
    options.notes.push_back(absl::StrCat("S3 ", setting, " from ", name));
    return value;
  }
  return "";
}

void ReadEndpoint(const EnvironmentReader& environment, S3Options& options) {
  if (!ReadEnvironmentFlag(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").value_or(false)) {
    options.endpoint =
        FirstOf(environment, "endpoint", {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}, options);
  }
  if (options.endpoint.empty()) {
    // TensorFlow's and KServe's older name; host and port without a scheme.
    options.endpoint = FirstOf(environment, "endpoint", {"S3_ENDPOINT"}, options);
    if (!options.endpoint.empty() && !absl::StrContains(options.endpoint, "://")) {
      const bool tls = ReadEnvironmentFlag(environment, "S3_USE_HTTPS").value_or(true);
      options.endpoint = absl::StrCat(tls ? "https://" : "http://", options.endpoint);
    }
  }
  while (absl::EndsWith(options.endpoint, "/")) options.endpoint.pop_back();
}

void ReadCredentials(const EnvironmentReader& environment, S3Options& options) {
  options.anonymous =
      ReadEnvironmentFlag(environment, "TFSR_S3_ANONYMOUS")
          .value_or(ReadEnvironmentFlag(environment, "awsAnonymousCredential").value_or(false));
  Credentials credentials;
  credentials.access_key_id = ReadEnvironment(environment, "AWS_ACCESS_KEY_ID");
  credentials.secret_access_key = ReadEnvironment(environment, "AWS_SECRET_ACCESS_KEY");
  credentials.session_token = ReadEnvironment(environment, "AWS_SESSION_TOKEN");
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) return;
  options.notes.push_back("S3 credentials from AWS_ACCESS_KEY_ID");
  options.static_credentials = std::move(credentials);
}

absl::Status ReadMilliseconds(const EnvironmentReader& environment, absl::string_view name,
                              absl::Duration& into) {
  const std::string text = ReadEnvironment(environment, name);
  int64_t milliseconds = 0;
  if (text.empty()) return absl::OkStatus();
  if (!absl::SimpleAtoi(text, &milliseconds) || milliseconds <= 0) {
    return absl::InvalidArgumentError(absl::StrCat(name, " must be a number of milliseconds"));
  }
  into = absl::Milliseconds(milliseconds);
  return absl::OkStatus();
}

// Whether the name can be a part of a host name that AWS's wildcard certificate covers.
bool IsDnsLabel(absl::string_view bucket) {
  if (bucket.empty() || bucket.size() > 63 || bucket.front() == '-' || bucket.back() == '-') {
    return false;
  }
  return IsRegionName(bucket);
}

std::string AwsHost(absl::string_view region) {
  return absl::StrCat("https://s3.", region, ".amazonaws.com",
                      absl::StartsWith(region, "cn-") ? ".cn" : "");
}

}  // namespace

bool IsRegionName(absl::string_view region) {
  if (region.empty() || region.size() > 63) return false;
  for (const char c : region) {
    const auto byte = static_cast<unsigned char>(c);
    if (!absl::ascii_islower(byte) && !absl::ascii_isdigit(byte) && c != '-') return false;
  }
  return true;
}

absl::StatusOr<S3Options> S3Options::FromEnvironment(const EnvironmentReader& environment) {
  S3Options options;
  ReadEndpoint(environment, options);
  options.region =
      FirstOf(environment, "region", {"AWS_REGION", "AWS_DEFAULT_REGION", "S3_REGION"}, options);
  if (!options.region.empty() && !IsRegionName(options.region)) {
    return absl::InvalidArgumentError("AWS_REGION is no region name such as eu-central-1");
  }
  ReadCredentials(environment, options);
  options.helper = CredentialsHelperOptions::FromEnvironment(environment);
  options.ca_file =
      FirstOf(environment, "certificate authorities", {"AWS_CA_BUNDLE", "S3_CA_FILE"}, options);
  options.verify_tls = ReadEnvironmentFlag(environment, "S3_VERIFY_SSL").value_or(true);
  options.requester_pays =
      absl::EqualsIgnoreCase(ReadEnvironment(environment, "AWS_REQUEST_PAYER"), "requester");
  if (ReadEnvironmentFlag(environment, "S3_USER_VIRTUAL_BUCKET").value_or(false)) {
    options.addressing = S3Addressing::kVirtualHost;
  }
  for (const auto& [name, field] :
       {std::pair("S3_CONNECT_TIMEOUT_MSEC", &HttpTimeouts::connect),
        std::pair("S3_REQUEST_TIMEOUT_MSEC", &HttpTimeouts::overhead)}) {
    absl::Status status = ReadMilliseconds(environment, name, options.timeouts.*field);
    if (!status.ok()) return status;
  }
  if (!options.endpoint.empty()) {
    const absl::StatusOr<HttpOrigin> origin = HttpOrigin::Parse(options.endpoint);
    if (!origin.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the S3 endpoint is not of the form https://HOST:PORT: ", origin.status().message()));
    }
  }
  return options;
}

absl::StatusOr<S3Address> S3AddressOf(const S3Options& options, absl::string_view bucket,
                                      absl::string_view region) {
  if (!IsRegionName(region)) {
    return absl::InvalidArgumentError("the S3 region is no region name such as eu-central-1");
  }
  const bool aws = options.endpoint.empty();
  absl::StatusOr<HttpOrigin> origin = HttpOrigin::Parse(aws ? AwsHost(region) : options.endpoint);
  if (!origin.ok()) return origin.status();
  const bool virtual_host =
      options.addressing == S3Addressing::kVirtualHost ||
      (options.addressing == S3Addressing::kAuto && aws && IsDnsLabel(bucket));
  if (virtual_host && IsDnsLabel(bucket)) {
    origin->host = absl::StrCat(bucket, ".", origin->host);
    return S3Address{*std::move(origin), ""};
  }
  return S3Address{*std::move(origin), absl::StrCat("/", PercentEncode(bucket, Slash::kEncode))};
}

}  // namespace tfserving_remote

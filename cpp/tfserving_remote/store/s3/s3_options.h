// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_S3_S3_OPTIONS_H_
#define TFSERVING_REMOTE_STORE_S3_S3_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tfserving_remote/base/environment.h"
#include "tfserving_remote/net/http_client.h"
#include "tfserving_remote/store/credentials/credentials.h"
#include "tfserving_remote/store/credentials/helper_credentials.h"
#include "tfserving_remote/store/http_exchange.h"

namespace tfserving_remote {

enum class S3Addressing {
  /// Virtual host on AWS, path elsewhere and for buckets whose name is no DNS label.
  kAuto,
  /// https://host/bucket/key
  kPath,
  /// https://bucket.host/key
  kVirtualHost,
};

/// Everything that an S3 store takes from its surroundings.
struct S3Options {
  /// "https://host:port"; empty: AWS.
  std::string endpoint;
  /// Empty: the one of the credentials' profile, else us-east-1. A bucket elsewhere is found by the
  /// redirect that AWS sends.
  std::string region;
  S3Addressing addressing = S3Addressing::kAuto;
  /// Never sign, for public buckets. Keys in the environment win over it.
  bool anonymous = false;
  bool requester_pays = false;
  /// PEM file of certificate authorities; empty: the system's.
  std::string ca_file;
  bool verify_tls = true;
  /// Without them the credentials helper is asked.
  std::optional<Credentials> static_credentials;
  CredentialsHelperOptions helper;
  HttpTimeouts timeouts;
  /// A listing that is longer is RESOURCE_EXHAUSTED: a base path too high up would else fill the
  /// memory.
  uint64_t max_listed_objects = 2'000'000;
  /// One line per setting that was found, and where; holds no secret.
  std::vector<std::string> notes;

  /// Reads, the more specific name first:
  ///   endpoint     AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL (both unless
  ///                AWS_IGNORE_CONFIGURED_ENDPOINT_URLS), S3_ENDPOINT with S3_USE_HTTPS
  ///   region       AWS_REGION, AWS_DEFAULT_REGION, S3_REGION
  ///   credentials  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN;
  ///                TFSR_S3_ANONYMOUS, awsAnonymousCredential; TFSR_PYTHON for the helper
  ///   TLS          AWS_CA_BUNDLE, S3_CA_FILE, S3_VERIFY_SSL
  ///   the rest     AWS_REQUEST_PAYER=requester, S3_USER_VIRTUAL_BUCKET, S3_CONNECT_TIMEOUT_MSEC,
  ///                S3_REQUEST_TIMEOUT_MSEC
  static absl::StatusOr<S3Options> FromEnvironment(const EnvironmentReader& environment);
};

/// Where a bucket's objects lie.
struct S3Address {
  HttpOrigin origin;
  /// "" with a virtual host, else "/bucket".
  std::string path_prefix;
};

/// Pure. INVALID_ARGUMENT for a bad endpoint.
absl::StatusOr<S3Address> S3AddressOf(const S3Options& options, absl::string_view bucket,
                                      absl::string_view region);

/// Lower-case letters, digits and dashes: what may become part of a host name.
bool IsRegionName(absl::string_view region);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_S3_S3_OPTIONS_H_

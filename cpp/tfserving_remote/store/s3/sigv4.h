// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_S3_SIGV4_H_
#define TFSERVING_REMOTE_STORE_S3_SIGV4_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tfserving_remote/net/http_client.h"

namespace tfserving_remote {

/// Lower-case hex SHA-256 of no bytes: the payload hash of a request without a body.
extern const char kEmptyPayloadSha256[];

/// Lower-case hex SHA-256.
std::string Sha256Hex(absl::string_view bytes);

/// A request as AWS Signature Version 4 sees it.
struct SigV4Request {
  std::string method = "GET";
  /// Percent-encoded once, as it goes over the wire.
  std::string path = "/";
  /// As EncodeQuery writes it; without '?'.
  std::string query;
  /// Every header to sign, Host among them. Names in any case.
  std::vector<HttpHeader> headers;
  std::string payload_sha256 = kEmptyPayloadSha256;
};

struct SigV4Key {
  std::string access_key_id;
  std::string secret_access_key;
  std::string region;
  std::string service = "s3";
};

/// The request in the form that is hashed and signed; split out, since the published test vectors
/// show it.
std::string SigV4CanonicalRequest(const SigV4Request& request);

/// The value of the Authorization header. Pure. `time` must be the one in x-amz-date, see
/// SigV4Time.
std::string SigV4Authorization(const SigV4Request& request, const SigV4Key& key, absl::Time time);

/// "20130524T000000Z".
std::string SigV4Time(absl::Time time);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_S3_SIGV4_H_

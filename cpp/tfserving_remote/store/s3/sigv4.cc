// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/s3/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tfserving_remote {
namespace {

constexpr char kAlgorithm[] = "AWS4-HMAC-SHA256";

std::string Sha256(absl::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

std::string HmacSha256(absl::string_view key, absl::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest, &size);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

// A header's value with runs of spaces made one.
std::string Squeezed(absl::string_view value) {
  std::string squeezed(value);
  absl::RemoveExtraAsciiWhitespace(&squeezed);
  return squeezed;
}

// Lower-case name to value, sorted; values of a name that comes twice are joined by a comma.
std::map<std::string, std::string> CanonicalHeaders(const std::vector<HttpHeader>& headers) {
  std::map<std::string, std::string> canonical;
  for (const HttpHeader& header : headers) {
    std::string& value = canonical[absl::AsciiStrToLower(header.name)];
    absl::StrAppend(&value, value.empty() ? "" : ",", Squeezed(header.value));
  }
  return canonical;
}

std::string SignedHeaderNames(const std::map<std::string, std::string>& canonical) {
  return absl::StrJoin(canonical, ";", [](std::string* out, const auto& header) {
    absl::StrAppend(out, header.first);
  });
}

}  // namespace

const char kEmptyPayloadSha256[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string Sha256Hex(absl::string_view bytes) { return absl::BytesToHexString(Sha256(bytes)); }

std::string SigV4Time(absl::Time time) {
  return absl::FormatTime("%Y%m%dT%H%M%SZ", time, absl::UTCTimeZone());
}

std::string SigV4CanonicalRequest(const SigV4Request& request) {
  const std::map<std::string, std::string> headers = CanonicalHeaders(request.headers);
  std::string text = absl::StrCat(request.method, "\n", request.path, "\n", request.query, "\n");
  for (const auto& [name, value] : headers) absl::StrAppend(&text, name, ":", value, "\n");
  absl::StrAppend(&text, "\n", SignedHeaderNames(headers), "\n", request.payload_sha256);
  return text;
}

std::string SigV4Authorization(const SigV4Request& request, const SigV4Key& key, absl::Time time) {
  const std::string stamp = SigV4Time(time);
  const std::string day = stamp.substr(0, 8);
  const std::string scope = absl::StrCat(day, "/", key.region, "/", key.service, "/aws4_request");
  const std::string to_sign = absl::StrCat(kAlgorithm, "\n", stamp, "\n", scope, "\n",
                                           Sha256Hex(SigV4CanonicalRequest(request)));
  std::string signing_key = HmacSha256(absl::StrCat("AWS4", key.secret_access_key), day);
  for (const absl::string_view part :
       {absl::string_view(key.region), absl::string_view(key.service),
        absl::string_view("aws4_request")}) {
    signing_key = HmacSha256(signing_key, part);
  }
  return absl::StrCat(kAlgorithm, " Credential=", key.access_key_id, "/", scope,
                      ", SignedHeaders=", SignedHeaderNames(CanonicalHeaders(request.headers)),
                      ", Signature=", absl::BytesToHexString(HmacSha256(signing_key, to_sign)));
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/s3/s3_xml.h"

#include <pugixml.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "tfserving_remote/store/percent_encoding.h"

namespace tfserving_remote {
namespace {

// Keys may be white space only, where a store does not encode them. Line ends stay as they are.
// pugixml neither expands entities of a document type nor recurses, so the size of the text, which
// the HTTP client bounds, bounds everything.
constexpr unsigned int kParseFlags =
    (pugi::parse_default | pugi::parse_ws_pcdata_single) & ~pugi::parse_eol;

// Decodes names that came with encoding-type=url; a store that ignored the wish does not say so.
class NameDecoder {
 public:
  explicit NameDecoder(const pugi::xml_node& result)
      : encoded_(absl::EqualsIgnoreCase(result.child_value("EncodingType"), "url")) {}

  std::string operator()(const char* text) const {
    return encoded_ ? PercentDecode(text, /*plus_is_space=*/true) : std::string(text);
  }

 private:
  const bool encoded_;
};

absl::StatusOr<ObjectInfo> ReadObject(const pugi::xml_node& contents, const NameDecoder& decode) {
  ObjectInfo object;
  object.key = decode(contents.child_value("Key"));
  object.tag = TagOfETag(contents.child_value("ETag"));
  if (object.key.empty() || !absl::SimpleAtoi(contents.child_value("Size"), &object.size)) {
    return absl::InvalidArgumentError("the listing shows an object without key or size");
  }
  if (object.tag.empty()) {
    return absl::InvalidArgumentError("the listing shows an object without ETag");
  }
  return object;
}

}  // namespace

S3ErrorBody ParseS3Error(absl::string_view xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size(), pugi::parse_default)) return {};
  pugi::xml_node error = document.child("Error");
  if (!error) error = document.child("ErrorResponse").child("Error");
  return {error.child_value("Code"), error.child_value("Message"), error.child_value("Region"),
          error.child_value("RequestId")};
}

std::string TagOfETag(absl::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    etag = etag.substr(1, etag.size() - 2);
  }
  return std::string(etag);
}

absl::StatusOr<S3ListPage> ParseS3ListPage(absl::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(xml.data(), xml.size(), kParseFlags);
  const pugi::xml_node result = document.child("ListBucketResult");
  if (!parsed || !result) return absl::InvalidArgumentError("the answer is no ListBucketResult");
  const NameDecoder decode(result);
  S3ListPage page;
  for (const pugi::xml_node& contents : result.children("Contents")) {
    absl::StatusOr<ObjectInfo> object = ReadObject(contents, decode);
    if (!object.ok()) return object.status();
    page.listing.objects.push_back(*std::move(object));
  }
  for (const pugi::xml_node& prefixes : result.children("CommonPrefixes")) {
    std::string prefix = decode(prefixes.child_value("Prefix"));
    if (prefix.empty()) return absl::InvalidArgumentError("the listing shows an empty prefix");
    page.listing.prefixes.push_back(std::move(prefix));
  }
  if (absl::EqualsIgnoreCase(result.child_value("IsTruncated"), "true")) {
    page.continuation_token = result.child_value("NextContinuationToken");
    if (page.continuation_token.empty()) {
      return absl::InvalidArgumentError("the listing goes on, but does not say where");
    }
  }
  return page;
}

}  // namespace tfserving_remote

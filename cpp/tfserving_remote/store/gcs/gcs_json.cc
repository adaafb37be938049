// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/gcs/gcs_json.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "tfserving_remote/base/guarded_json.h"

namespace tfserving_remote {
namespace {

constexpr size_t kMaxBytes = 16 << 20;
constexpr int kMaxDepth = 16;

std::string Text(const nlohmann::json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto it = object.find(name);
  if (it == object.end()) return "";
  if (it->is_string()) return it->get<std::string>();
  // 64-bit numbers are strings in GCS's JSON; some emulators write them as numbers.
  if (it->is_number_unsigned()) return std::to_string(it->get<uint64_t>());
  return "";
}

const nlohmann::json& Array(const nlohmann::json& object, const char* name) {
  static const nlohmann::json* const kEmpty = new nlohmann::json(nlohmann::json::array());
  if (!object.is_object()) return *kEmpty;
  const auto it = object.find(name);
  return it != object.end() && it->is_array() ? *it : *kEmpty;
}

absl::StatusOr<GcsObject> ReadObject(const nlohmann::json& json) {
  GcsObject object;
  object.info.key = Text(json, "name");
  object.info.tag = Text(json, "generation");
  object.content_encoding = Text(json, "contentEncoding");
  if (object.info.key.empty() || object.info.tag.empty() ||
      !absl::SimpleAtoi(Text(json, "size"), &object.info.size)) {
    return absl::InvalidArgumentError("an object without name, size or generation");
  }
  return object;
}

}  // namespace

GcsErrorBody ParseGcsError(absl::string_view json) {
  const absl::StatusOr<nlohmann::json> document = ParseGuardedJson(json, {kMaxBytes, kMaxDepth});
  if (!document.ok() || !document->is_object()) return {};
  const auto error = document->find("error");
  if (error == document->end()) return {};
  GcsErrorBody body;
  body.message = Text(*error, "message");
  const nlohmann::json& errors = Array(*error, "errors");
  if (!errors.empty()) body.reason = Text(errors[0], "reason");
  return body;
}

absl::StatusOr<GcsObject> ParseGcsObject(absl::string_view json) {
  const absl::StatusOr<nlohmann::json> document = ParseGuardedJson(json, {kMaxBytes, kMaxDepth});
  if (!document.ok()) return document.status();
  return ReadObject(*document);
}

absl::StatusOr<ListPage> ParseGcsListPage(absl::string_view json) {
  const absl::StatusOr<nlohmann::json> document = ParseGuardedJson(json, {kMaxBytes, kMaxDepth});
  if (!document.ok()) return document.status();
  if (!document->is_object()) return absl::InvalidArgumentError("the answer is no JSON object");
  ListPage page;
  for (const nlohmann::json& item : Array(*document, "items")) {
    absl::StatusOr<GcsObject> object = ReadObject(item);
    if (!object.ok()) return object.status();
    page.listing.objects.push_back(std::move(object->info));
  }
  for (const nlohmann::json& prefix : Array(*document, "prefixes")) {
    if (!prefix.is_string()) return absl::InvalidArgumentError("a prefix that is no string");
    page.listing.prefixes.push_back(prefix.get<std::string>());
  }
  page.next_token = Text(*document, "nextPageToken");
  return page;
}

}  // namespace tfserving_remote

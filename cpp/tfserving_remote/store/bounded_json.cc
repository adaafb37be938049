// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/bounded_json.h"

#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

// Looked at before the parser runs, which recurses when it takes a tree apart.
bool DeeperThan(absl::string_view text, int max_depth) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_depth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<nlohmann::json> ParseBoundedJson(absl::string_view text, size_t max_bytes,
                                                int max_depth) {
  if (text.size() > max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("JSON of ", text.size(), " bytes, more than ", max_bytes));
  }
  if (DeeperThan(text, max_depth)) {
    return absl::InvalidArgumentError(absl::StrCat("JSON nested deeper than ", max_depth));
  }
  nlohmann::json document =
      nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return absl::InvalidArgumentError("not well-formed JSON");
  return document;
}

}  // namespace tfserving_remote

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/base/guarded_json.h"

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

using nlohmann::json;

// Looks at every event of a parse and keeps nothing but the way down to where it is.
class Guard : public json::json_sax_t {
 public:
  explicit Guard(const JsonLimits& limits) : limits_(limits) {}

  const absl::Status& status() const { return status_; }

  bool null() override { return NextItem(); }
  bool boolean(bool) override { return NextItem(); }
  bool number_integer(number_integer_t) override { return NextItem(); }
  bool number_unsigned(number_unsigned_t) override { return NextItem(); }
  bool number_float(number_float_t, const string_t&) override { return NextItem(); }
  bool string(string_t&) override { return NextItem(); }
  bool binary(binary_t&) override { return NextItem(); }
  bool start_object(size_t) override { return Open(/*is_object=*/true); }
  bool end_object() override { return Close(); }
  bool start_array(size_t) override { return Open(/*is_object=*/false); }
  bool end_array() override { return Close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    level.key = name;
    if (level.keys.insert(name).second) return true;
    status_ = absl::InvalidArgumentError(absl::StrCat(Place(), ": stands there twice"));
    return false;
  }

  // What the parser says of it may quote the text, which may be secret.
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    status_ = absl::InvalidArgumentError(absl::StrCat("not valid JSON at byte ", position));
    return false;
  }

 private:
  struct Level {
    bool is_object = false;
    std::set<std::string> keys;
    std::string key;
    int64_t index = -1;
  };

  bool NextItem() {
    if (!levels_.empty() && !levels_.back().is_object) ++levels_.back().index;
    if (++values_ <= limits_.max_values) return true;
    status_ = absl::InvalidArgumentError(
        absl::StrCat(Place(), ": more than ", limits_.max_values, " values"));
    return false;
  }

  bool Open(bool is_object) {
    if (!NextItem()) return false;
    if (static_cast<int>(levels_.size()) == limits_.max_depth) {
      status_ = absl::InvalidArgumentError(
          absl::StrCat(Place(), ": nested deeper than ", limits_.max_depth, " levels"));
      return false;
    }
    levels_.push_back({is_object, {}, {}, -1});
    return true;
  }

  bool Close() {
    levels_.pop_back();
    return true;
  }

  std::string Place() const {
    std::string place;
    for (const Level& level : levels_) {
      if (level.is_object) {
        absl::StrAppend(&place, place.empty() ? "" : ".", level.key.substr(0, 64));
      } else {
        absl::StrAppend(&place, "[", level.index, "]");
      }
    }
    return place;
  }

  const JsonLimits& limits_;
  size_t values_ = 0;
  std::vector<Level> levels_;
  absl::Status status_ = absl::InvalidArgumentError("not valid JSON");
};

}  // namespace

absl::StatusOr<json> ParseGuardedJson(absl::string_view text, const JsonLimits& limits) {
  if (text.empty()) return absl::InvalidArgumentError("is empty");
  if (text.size() > limits.max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", text.size(), " bytes; at most ", limits.max_bytes, " are read"));
  }
  Guard guard(limits);
  if (!json::sax_parse(text.begin(), text.end(), &guard)) return guard.status();
  json parsed = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return absl::InvalidArgumentError("not valid JSON");
  return parsed;
}

}  // namespace tfserving_remote

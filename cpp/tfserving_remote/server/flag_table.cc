// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/flag_table.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tfserving_remote {
namespace {

std::optional<bool> ParseBool(absl::string_view text) {
  if (absl::EqualsIgnoreCase(text, "true") || text == "1") return true;
  if (absl::EqualsIgnoreCase(text, "false") || text == "0") return false;
  return std::nullopt;
}

absl::Status WrongValue(absl::string_view name, absl::string_view value, absl::string_view takes) {
  return absl::InvalidArgumentError(
      absl::StrCat("--", name, " takes ", takes, ", not \"", value, "\""));
}

// SimpleAtoi tolerates white space around the number; a flag does not.
template <typename Int>
bool ParseInt(absl::string_view text, Int* value) {
  const bool plain = !text.empty() && text.find_first_not_of("-+0123456789") == text.npos;
  return plain && absl::SimpleAtoi(text, value);
}

// How many letters to insert, delete or replace to come from `a` to `b`.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

void FlagTable::Add(std::string name, bool* variable, std::string help) {
  auto set = [name, variable](absl::string_view text) {
    const std::optional<bool> value = ParseBool(text);
    if (!value.has_value()) return WrongValue(name, text, "true or false");
    *variable = *value;
    return absl::OkStatus();
  };
  flags_.push_back({name, *variable ? "true" : "false", std::move(help), true, std::move(set)});
}

void FlagTable::Add(std::string name, int32_t* variable, std::string help) {
  auto set = [name, variable](absl::string_view text) {
    return ParseInt(text, variable) ? absl::OkStatus() : WrongValue(name, text, "a whole number");
  };
  flags_.push_back({name, absl::StrCat(*variable), std::move(help), false, std::move(set)});
}

void FlagTable::Add(std::string name, int64_t* variable, std::string help) {
  auto set = [name, variable](absl::string_view text) {
    return ParseInt(text, variable) ? absl::OkStatus() : WrongValue(name, text, "a whole number");
  };
  flags_.push_back({name, absl::StrCat(*variable), std::move(help), false, std::move(set)});
}

void FlagTable::Add(std::string name, std::string* variable, std::string help) {
  auto set = [variable](absl::string_view text) {
    *variable = std::string(text);
    return absl::OkStatus();
  };
  flags_.push_back(
      {name, absl::StrCat("\"", *variable, "\""), std::move(help), false, std::move(set)});
}

void FlagTable::AddNotYet(std::string name, std::string acts_as, bool is_switch) {
  auto set = [name, acts_as, is_switch](absl::string_view text) {
    if (text == acts_as || (is_switch && ParseBool(text) == ParseBool(acts_as))) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "--", name, " is a flag of TensorFlow Serving's that is not supported yet; leave it out",
        acts_as.empty() ? "" : absl::StrCat(" or give it as --", name, "=", acts_as)));
  };
  flags_.push_back({std::move(name), "", "", is_switch, std::move(set)});
}

absl::Status FlagTable::Parse(const std::vector<std::string>& arguments) const {
  for (size_t i = 0; i < arguments.size(); ++i) {
    absl::string_view argument = arguments[i];
    if (!absl::ConsumePrefix(&argument, "-")) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", arguments[i], "\" is no flag: flags begin with --"));
    }
    absl::ConsumePrefix(&argument, "-");
    const size_t equals = argument.find('=');
    const absl::string_view name = argument.substr(0, equals);
    const Flag* const flag = Find(name);
    if (flag == nullptr) return UnknownFlag(name);
    absl::string_view value = "true";
    if (equals != argument.npos) {
      value = argument.substr(equals + 1);
    } else if (flag->is_switch) {
      if (i + 1 < arguments.size() && ParseBool(arguments[i + 1]).has_value()) {
        value = arguments[++i];
      }
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " needs a value"));
    }
    if (absl::Status status = flag->set(value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::string FlagTable::Usage() const {
  std::string text;
  for (const Flag& flag : flags_) {
    if (flag.default_text.empty()) continue;
    absl::StrAppend(&text, "  --", flag.name, " (default ", flag.default_text, ")\n      ",
                    flag.help, "\n");
  }
  return text;
}

const FlagTable::Flag* FlagTable::Find(absl::string_view name) const {
  const auto found = std::find_if(flags_.begin(), flags_.end(),
                                  [&](const Flag& flag) { return flag.name == name; });
  return found == flags_.end() ? nullptr : &*found;
}

absl::Status FlagTable::UnknownFlag(absl::string_view name) const {
  const Flag* nearest = nullptr;
  size_t nearest_distance = 0;
  for (const Flag& flag : flags_) {
    const size_t distance = EditDistance(name, flag.name);
    if (nearest == nullptr || distance < nearest_distance) {
      nearest = &flag;
      nearest_distance = distance;
    }
  }
  std::string suggestion;
  if (nearest != nullptr && nearest_distance <= 1 + name.size() / 3) {
    suggestion = absl::StrCat("; did you mean --", nearest->name, "?");
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown flag --", name, suggestion));
}

}  // namespace tfserving_remote

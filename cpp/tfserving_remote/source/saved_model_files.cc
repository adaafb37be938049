// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/saved_model_files.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace tfserving_remote {
namespace {

constexpr absl::string_view kVariables = "variables/";
constexpr absl::string_view kIndex = "variables/variables.index";
constexpr absl::string_view kShard = "variables/variables.data-";

struct Shard {
  int64_t number = 0;
  int64_t of = 0;
};

std::string ShardName(const Shard& shard) {
  return absl::StrFormat("%s%05d-of-%05d", kShard, shard.number, shard.of);
}

/// Only names that TensorFlow itself writes are shards.
std::optional<Shard> ParseShard(absl::string_view file) {
  absl::string_view rest = file;
  if (!absl::ConsumePrefix(&rest, kShard)) return std::nullopt;
  const size_t of = rest.find("-of-");
  Shard shard;
  if (of == absl::string_view::npos || !absl::SimpleAtoi(rest.substr(0, of), &shard.number) ||
      !absl::SimpleAtoi(rest.substr(of + 4), &shard.of)) {
    return std::nullopt;
  }
  const bool in_range = 0 <= shard.number && shard.number < shard.of;
  if (!in_range || file != ShardName(shard)) return std::nullopt;
  return shard;
}

/// Shards of an older export with another count may lie about, so one whole set is enough.
std::string MissingShard(const std::map<int64_t, std::set<int64_t>>& shards_by_count) {
  if (shards_by_count.empty()) return absl::StrCat(kShard, "00000-of-* is missing");
  std::string missing;
  for (const auto& [count, present] : shards_by_count) {
    if (static_cast<int64_t>(present.size()) == count) return "";
    int64_t first = 0;
    while (present.count(first) > 0) ++first;
    missing = absl::StrCat(ShardName({first, count}), " is missing");
  }
  return missing;
}

}  // namespace

std::string MissingSavedModelFile(const std::vector<absl::string_view>& files) {
  bool has_graph = false;
  bool has_variables = false;
  bool has_index = false;
  std::map<int64_t, std::set<int64_t>> shards_by_count;
  for (const absl::string_view file : files) {
    has_graph = has_graph || file == "saved_model.pb" || file == "saved_model.pbtxt" ||
                file == "saved_model.cpb";
    absl::string_view variable = file;
    has_variables = has_variables || (absl::ConsumePrefix(&variable, kVariables) &&
                                      !variable.empty() && variable.back() != '/');
    has_index = has_index || file == kIndex;
    if (const std::optional<Shard> shard = ParseShard(file)) {
      shards_by_count[shard->of].insert(shard->number);
    }
  }
  if (!has_graph) return "saved_model.pb is missing";
  if (!has_variables) return "";
  if (!has_index) return absl::StrCat(kIndex, " is missing");
  return MissingShard(shards_by_count);
}

}  // namespace tfserving_remote

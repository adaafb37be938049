// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_BASE_GUARDED_JSON_H_
#define TFSERVING_REMOTE_BASE_GUARDED_JSON_H_

#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tfserving_remote {

struct JsonLimits {
  size_t max_bytes = 64 << 20;
  int max_depth = 64;
  /// Of objects, arrays and all in them: three bytes of text can take a hundred of memory.
  size_t max_values = std::numeric_limits<size_t>::max();
};

/// Parses JSON that comes from outside. Pure. INVALID_ARGUMENT for text that is empty, too large,
/// cut off, nested too deep, of too many values, not UTF-8, or that has one key twice in an object
/// (parsers disagree on which of the two counts, and a signature must not be read in two ways); the
/// message names the place, as in `files[3].size`, and quotes no value.
absl::StatusOr<nlohmann::json> ParseGuardedJson(absl::string_view text, const JsonLimits& limits);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_BASE_GUARDED_JSON_H_

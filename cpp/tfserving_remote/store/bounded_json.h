// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_BOUNDED_JSON_H_
#define TFSERVING_REMOTE_STORE_BOUNDED_JSON_H_

#include <cstddef>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tfserving_remote {

/// Parses JSON from outside: INVALID_ARGUMENT when it is longer than `max_bytes`, nested deeper
/// than `max_depth`, or no JSON. Never throws; messages do not quote the text.
absl::StatusOr<nlohmann::json> ParseBoundedJson(absl::string_view text, size_t max_bytes,
                                                int max_depth);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_BOUNDED_JSON_H_

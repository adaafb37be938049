// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_PERCENT_ENCODING_H_
#define TFSERVING_REMOTE_STORE_PERCENT_ENCODING_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace tfserving_remote {

enum class Slash { kKeep, kEncode };

/// RFC 3986 with upper-case digits: every byte but letters, digits, '-', '.', '_', '~' becomes %XX.
std::string PercentEncode(absl::string_view text, Slash slash);

/// Decodes %XX; with `plus_is_space` also '+', as in forms. A '%' without two digits stays.
std::string PercentDecode(absl::string_view text, bool plus_is_space);

/// "a=1&b=2": sorted by encoded name and then value, as AWS signatures want it.
std::string EncodeQuery(const std::vector<std::pair<std::string, std::string>>& parameters);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_PERCENT_ENCODING_H_

// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/base/environment.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"

namespace tfserving_remote {

EnvironmentReader ProcessEnvironment() {
  return [](absl::string_view name) -> std::optional<std::string> {
    const char* const value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

EnvironmentReader FixedEnvironment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](absl::string_view name) -> std::optional<std::string> {
    const auto it = variables.find(std::string(name));
    if (it == variables.end()) return std::nullopt;
    return it->second;
  };
}

std::string ReadEnvironment(const EnvironmentReader& environment, absl::string_view name) {
  return environment(name).value_or("");
}

std::optional<bool> ReadEnvironmentFlag(const EnvironmentReader& environment,
                                        absl::string_view name) {
  const std::optional<std::string> value = environment(name);
  if (!value.has_value()) return std::nullopt;
  for (const char* word : {"1", "true", "yes", "on"}) {
    if (absl::EqualsIgnoreCase(*value, word)) return true;
  }
  for (const char* word : {"", "0", "false", "no", "off"}) {
    if (absl::EqualsIgnoreCase(*value, word)) return false;
  }
  return std::nullopt;
}

}  // namespace tfserving_remote

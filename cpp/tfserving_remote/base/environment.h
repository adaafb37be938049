// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_BASE_ENVIRONMENT_H_
#define TFSERVING_REMOTE_BASE_ENVIRONMENT_H_

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tfserving_remote {

/// Looks an environment variable up; nullopt when it is not set. Options are made from it once, at
/// the start of a process, so that nothing else ever calls getenv.
using EnvironmentReader = std::function<std::optional<std::string>(absl::string_view name)>;

/// The variables of this process, as they are at each call.
EnvironmentReader ProcessEnvironment();

/// For tests: these variables and no others.
EnvironmentReader FixedEnvironment(std::map<std::string, std::string> variables);

/// The value, or "" when the variable is not set: most settings treat both alike.
std::string ReadEnvironment(const EnvironmentReader& environment, absl::string_view name);

/// "1", "true", "yes", "on" in any case are true; "0", "false", "no", "off" and "" are false;
/// nullopt when the variable is not set or says something else.
std::optional<bool> ReadEnvironmentFlag(const EnvironmentReader& environment,
                                        absl::string_view name);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_BASE_ENVIRONMENT_H_

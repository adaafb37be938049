// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/credentials/helper_credentials.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tfserving_remote/base/guarded_json.h"
#include "tfserving_remote/store/credentials/child_process.h"

namespace tfserving_remote {
namespace {

absl::string_view CloudName(Cloud cloud) { return cloud == Cloud::kAws ? "aws" : "gcs"; }

std::string Field(const nlohmann::json& document, const char* name) {
  const auto it = document.find(name);
  return it != document.end() && it->is_string() ? it->get<std::string>() : std::string();
}

absl::Status ReadExpiration(const nlohmann::json& document, Credentials& credentials) {
  const std::string text = Field(document, "Expiration");
  if (text.empty()) return absl::OkStatus();
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &credentials.expiration, &error)) {
    return absl::UnauthenticatedError(
        "the credentials helper printed an Expiration that is no "
        "RFC 3339 time");
  }
  return absl::OkStatus();
}

// The last line of a traceback says what is missing ("No module named ..."). It is only looked at
// when the helper printed nothing, that is, when it could not even start.
std::string LastLine(absl::string_view text) {
  const std::vector<absl::string_view> lines =
      absl::StrSplit(absl::StripAsciiWhitespace(text), '\n');
  std::string line(lines.back().substr(0, 200));
  for (char& c : line) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  return line;
}

}  // namespace

CredentialsHelperOptions CredentialsHelperOptions::FromEnvironment(
    const EnvironmentReader& environment) {
  CredentialsHelperOptions options;
  const std::string python = ReadEnvironment(environment, "TFSR_PYTHON");
  if (!python.empty()) options.python = python;
  return options;
}

absl::StatusOr<Credentials> ParseHelperOutput(Cloud cloud, absl::string_view json) {
  const absl::StatusOr<nlohmann::json> document = ParseGuardedJson(json, {64 << 10, 4});
  if (!document.ok() || !document->is_object()) {
    return absl::UnauthenticatedError("the credentials helper did not print a JSON object");
  }
  if (const std::string error = Field(*document, "Error"); !error.empty()) {
    return absl::UnauthenticatedError(error.substr(0, 500));
  }
  Credentials credentials;
  if (cloud == Cloud::kAws) {
    credentials.access_key_id = Field(*document, "AccessKeyId");
    credentials.secret_access_key = Field(*document, "SecretAccessKey");
    credentials.session_token = Field(*document, "SessionToken");
    credentials.region = Field(*document, "Region");
    if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
      return absl::UnauthenticatedError("the credentials helper printed no access key");
    }
  } else {
    credentials.bearer_token = Field(*document, "AccessToken");
    if (credentials.bearer_token.empty()) {
      return absl::UnauthenticatedError("the credentials helper printed no access token");
    }
  }
  if (absl::Status status = ReadExpiration(*document, credentials); !status.ok()) return status;
  return credentials;
}

CredentialsFetcher HelperFetcher(Cloud cloud, CredentialsHelperOptions options) {
  return [cloud,
          options = std::move(options)](Cancellation& cancellation) -> absl::StatusOr<Credentials> {
    const std::vector<std::string> command = {options.python, "-m", "tfserving_remote.credentials",
                                              std::string(CloudName(cloud))};
    ChildProcessLimits limits;
    limits.time = options.time_limit;
    const absl::StatusOr<ChildProcessResult> result =
        RunChildProcess(command, limits, &cancellation);
    const std::string who =
        absl::StrCat("credentials helper (", options.python, " -m tfserving_remote.credentials ",
                     CloudName(cloud), ")");
    if (absl::IsCancelled(result.status())) return result.status();
    if (!result.ok()) {
      return absl::UnauthenticatedError(absl::StrCat(who, ": ", result.status().message(),
                                                     "; TFSR_PYTHON names the interpreter"));
    }
    absl::StatusOr<Credentials> credentials = ParseHelperOutput(cloud, result->output);
    if (credentials.ok()) return credentials;
    if (absl::StripAsciiWhitespace(result->output).empty()) {
      return absl::UnauthenticatedError(absl::StrCat(who, ": exit status ", result->exit_code, ": ",
                                                     LastLine(result->error_output)));
    }
    return absl::UnauthenticatedError(absl::StrCat(who, ": ", credentials.status().message()));
  };
}

}  // namespace tfserving_remote

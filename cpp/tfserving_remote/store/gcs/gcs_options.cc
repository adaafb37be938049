// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/gcs/gcs_options.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/net/http_client.h"

namespace tfserving_remote {

absl::StatusOr<GcsOptions> GcsOptions::FromEnvironment(const EnvironmentReader& environment) {
  GcsOptions options;
  options.anonymous = ReadEnvironmentFlag(environment, "TFSR_GCS_ANONYMOUS").value_or(false);
  options.user_project = ReadEnvironment(environment, "TFSR_GCS_USER_PROJECT");
  options.helper = CredentialsHelperOptions::FromEnvironment(environment);
  std::string emulator = ReadEnvironment(environment, "STORAGE_EMULATOR_HOST");
  if (!emulator.empty()) {
    if (!absl::StrContains(emulator, "://")) emulator = absl::StrCat("http://", emulator);
    while (absl::EndsWith(emulator, "/")) emulator.pop_back();
    options.endpoint = emulator;
    options.anonymous = true;
    options.notes.push_back("GCS endpoint from STORAGE_EMULATOR_HOST, without credentials");
  }
  if (const absl::StatusOr<HttpOrigin> origin = HttpOrigin::Parse(options.endpoint); !origin.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "STORAGE_EMULATOR_HOST is not of the form http://HOST:PORT: ", origin.status().message()));
  }
  const std::string seconds_text = ReadEnvironment(environment, "GCS_READ_REQUEST_TIMEOUT_SECS");
  int64_t seconds = 0;
  if (!seconds_text.empty()) {
    if (!absl::SimpleAtoi(seconds_text, &seconds) || seconds <= 0) {
      return absl::InvalidArgumentError(
          "GCS_READ_REQUEST_TIMEOUT_SECS must be a number of seconds");
    }
    options.timeouts.overhead = absl::Seconds(seconds);
  }
  return options;
}

}  // namespace tfserving_remote
